// SPDX-License-Identifier: MIT
// An immortal pool in a plugin that dlclose would unload, if the pool did not keep it: the cycles
// that this program turns afterwards find the pool's code.
#include <poolproof/object_pool.hpp>

#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

namespace {

void require(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(EXIT_FAILURE);
}

template <class Function>
Function* function_of(void* library, const char* name) {
  void* const found = ::dlsym(library, name);
  require(found != nullptr, name);
  return reinterpret_cast<Function*>(found);
}

}  // namespace

int main() {
  void* const plugin = ::dlopen(POOLPROOF_TEST_PLUGIN, RTLD_NOW);
  require(plugin != nullptr, "it is loaded");
  function_of<void(int)>(plugin, "_Z9put_itemsi")(10);
  auto* const items_alive = function_of<int()>(plugin, "_Z11items_alivev");
  require(items_alive() == 10, "its pool has ten items");
  ::dlclose(plugin);
  poolproof::rotate_all();
  poolproof::rotate_all();
  require(::dlopen(POOLPROOF_TEST_PLUGIN, RTLD_NOW | RTLD_NOLOAD) != nullptr, "it is still loaded");
  require(items_alive() == 0, "two cycles have destroyed them");
}
