// SPDX-License-Identifier: MIT
// What the C++ library changes of containers and memory resources. What changes the links of maps,
// sets and lists lies in the library, where nobody sees its accesses: the prelude lets the
// program's calls come here, where they are told.
#include "runtime.hpp"

#include <cstddef>
#include <list>
#include <map>
#include <memory_resource>
#include <vector>

#include <dlfcn.h>
#include <sys/mman.h>

namespace checker::runtime {

using tree_node = std::_Rb_tree_node_base;
using list_node = std::__detail::_List_node_base;

namespace {

template <class T>
T* read(T* const& link, address code) {
  read_range(address_of(&link), sizeof(T*), code);
  return link;
}
template <class T>
void write(T* const& link, address code) {
  write_range(address_of(&link), sizeof(T*), code);
}

void add_nodes(tree_node* node, std::vector<tree_node*>& all) {
  if (node == nullptr) return;
  all.push_back(node);
  add_nodes(node->_M_left, all);
  add_nodes(node->_M_right, all);
}

// Changes a tree, and tells of each link that is another then. To tell may be to leave the
// execution for good: nothing here is freed by that.
template <class Change>
auto change_tree(tree_node& header, Change change, address code) {
  static std::vector<tree_node*> nodes;
  static std::vector<tree_node> before;
  nodes.assign(1, &header);
  if (concurrent) add_nodes(header._M_parent, nodes);
  before.clear();
  for (const tree_node* each : nodes) before.push_back(*each);
  const auto result = change();
  something_changed();
  for (std::size_t i = 0; i != nodes.size(); ++i) {
    const tree_node& now = *nodes[i];
    if (now._M_parent != before[i]._M_parent) write(now._M_parent, code);
    if (now._M_left != before[i]._M_left) write(now._M_left, code);
    if (now._M_right != before[i]._M_right) write(now._M_right, code);
    if (now._M_color != before[i]._M_color) {
      write_range(address_of(&now._M_color), sizeof now._M_color, code);
    }
  }
  return result;
}

template <class Node>
Node* successor(Node* x, address code) {
  if (read(x->_M_right, code) != nullptr) {
    x = x->_M_right;
    while (read(x->_M_left, code) != nullptr) x = x->_M_left;
    return x;
  }
  Node* y = read(x->_M_parent, code);
  while (x == read(y->_M_right, code)) {
    x = y;
    y = read(y->_M_parent, code);
  }
  return x->_M_right != y ? y : x;
}

template <class Node>
Node* predecessor(Node* x, address code) {
  Node* y = read(x->_M_parent, code);
  read_range(address_of(&x->_M_color), sizeof x->_M_color, code);
  const bool is_header = x->_M_color == std::_S_red && y->_M_parent == x;
  if (is_header) return read(x->_M_right, code);
  if (read(x->_M_left, code) != nullptr) {
    y = x->_M_left;
    while (read(y->_M_right, code) != nullptr) y = y->_M_right;
    return y;
  }
  while (x == read(y->_M_left, code)) {
    x = y;
    y = read(y->_M_parent, code);
  }
  return y;
}

}  // namespace

}  // namespace checker::runtime

using namespace checker::runtime;

#define CHECKER_VISIBLE __attribute__((visibility("default"), used))

namespace std {
CHECKER_VISIBLE void checker_tree_insert(bool left, tree_node* added, tree_node* parent,
                                         tree_node& header) noexcept {
  const address code = CHECKER_CALLER;
  write_range(address_of(added), sizeof *added, code);
  change_tree(
      header,
      [&] {
        _Rb_tree_insert_and_rebalance(left, added, parent, header);
        return 0;
      },
      code);
}
CHECKER_VISIBLE tree_node* checker_tree_erase(tree_node* erased, tree_node& header) noexcept {
  return change_tree(
      header, [&] { return _Rb_tree_rebalance_for_erase(erased, header); }, CHECKER_CALLER);
}
CHECKER_VISIBLE tree_node* checker_tree_increment(tree_node* node) noexcept {
  return successor(node, CHECKER_CALLER);
}
CHECKER_VISIBLE const tree_node* checker_tree_increment(const tree_node* node) noexcept {
  return successor(node, CHECKER_CALLER);
}
CHECKER_VISIBLE tree_node* checker_tree_decrement(tree_node* node) noexcept {
  return predecessor(node, CHECKER_CALLER);
}
CHECKER_VISIBLE const tree_node* checker_tree_decrement(const tree_node* node) noexcept {
  return predecessor(node, CHECKER_CALLER);
}
}  // namespace std

// Members of std::__detail::_List_node_base, as the prelude calls them.
#define CHECKER_OF_LIST(name, symbol, ...)                                             \
  CHECKER_EXPORT void name(__VA_ARGS__) asm("_ZNSt8__detail15_List_node_base" symbol); \
  CHECKER_EXPORT void name(__VA_ARGS__)

CHECKER_OF_LIST(checker_list_hook, "17checker_list_hookEPS0_", list_node* self, list_node* before) {
  const address code = CHECKER_CALLER;
  write_range(address_of(self), sizeof *self, code);
  write(read(before->_M_prev, code)->_M_next, code);
  write(before->_M_prev, code);
  self->_M_hook(before);
}
CHECKER_OF_LIST(checker_list_unhook, "19checker_list_unhookEv", list_node* self) {
  const address code = CHECKER_CALLER;
  write(read(self->_M_prev, code)->_M_next, code);
  write(read(self->_M_next, code)->_M_prev, code);
  self->_M_unhook();
}
CHECKER_OF_LIST(checker_list_transfer, "21checker_list_transferEPS0_S1_", list_node* self,
                list_node* first, list_node* last) {
  const address code = CHECKER_CALLER;
  for (list_node* each : {self, first, last}) {
    write(read(each->_M_prev, code)->_M_next, code);
    write(each->_M_prev, code);
  }
  self->_M_transfer(first, last);
}
CHECKER_OF_LIST(checker_list_reverse, "20checker_list_reverseEv", list_node* self) {
  const address code = CHECKER_CALLER;
  list_node* each = self;
  do {
    write(each->_M_next, code);
    write(each->_M_prev, code);
    each = each->_M_next;
  } while (each != self);
  self->_M_reverse();
}

// A monotonic buffer changes itself in the C++ library. It is enough that an allocation is seen as
// a write of the first word behind the pointer to the virtual functions.

namespace checker::runtime {

namespace {

using allocating = void*(void**, std::size_t, std::size_t);
using giving_back = void(void**, void*, std::size_t, std::size_t);

struct monotonic_buffer {
  static inline allocating* real_allocate = nullptr;
  static inline giving_back* real_give_back = nullptr;

  static void* allocate(void** self, std::size_t bytes, std::size_t alignment) {
    write_range(address_of(self + 1), sizeof *self, CHECKER_CALLER);
    return real_allocate(self, bytes, alignment);
  }
  static void give_back(void** self, void* memory, std::size_t bytes, std::size_t alignment) {
    write_range(address_of(self + 1), sizeof *self, CHECKER_CALLER);
    real_give_back(self, memory, bytes, alignment);
  }

  static void watch() {
    constexpr auto name = "_ZTVNSt3pmr25monotonic_buffer_resourceE";
    auto* const table = static_cast<void**>(::dlsym(RTLD_DEFAULT, name));
    if (table == nullptr) return;
    // Behind what is of the type, and two destructors.
    void** const functions = table + 4;
    constexpr address page = 4096;
    const address begin = address_of(functions) & ~(page - 1);
    const address end = (address_of(functions + 2) + page - 1) & ~(page - 1);
    if (::mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_READ | PROT_WRITE) != 0)
      return;
    real_allocate = reinterpret_cast<allocating*>(functions[0]);
    real_give_back = reinterpret_cast<giving_back*>(functions[1]);
    functions[0] = reinterpret_cast<void*>(&allocate);
    functions[1] = reinterpret_cast<void*>(&give_back);
  }
};

}  // namespace

void watch_resources() { monotonic_buffer::watch(); }

}  // namespace checker::runtime

// A pool that is not synchronised changes itself in the C++ library, too. There its functions are
// called by their names, even from the table of virtual functions: so ours are, in their place.
// Each is a write of the last word, which no function of the header reads.

namespace {

using pool = std::pmr::unsynchronized_pool_resource;

void note_pool(const pool* self, address code) {
  write_range(address_of(self + 1) - sizeof(void*), sizeof(void*), code);
}

}  // namespace

#define CHECKER_OF_POOL(result, name, symbol, parameters, ...)                                 \
  CHECKER_EXPORT result name parameters asm("_ZNSt3pmr28unsynchronized_pool_resource" symbol); \
  CHECKER_EXPORT result name parameters {                                                      \
    using function = result parameters;                                                        \
    static auto* const real = reinterpret_cast<function*>(                                     \
        next_function("_ZNSt3pmr28unsynchronized_pool_resource" symbol));                      \
    note_pool(self, CHECKER_CALLER);                                                           \
    return real(__VA_ARGS__);                                                                  \
  }
CHECKER_OF_POOL(void*, checker_pool_allocate, "11do_allocateEmm",
                (pool * self, std::size_t bytes, std::size_t alignment), self, bytes, alignment)
CHECKER_OF_POOL(void, checker_pool_give_back, "13do_deallocateEPvmm",
                (pool * self, void* memory, std::size_t bytes, std::size_t alignment), self, memory,
                bytes, alignment)
CHECKER_OF_POOL(void, checker_pool_release, "7releaseEv", (pool * self), self)
CHECKER_OF_POOL(void, checker_pool_end, "D1Ev", (pool * self), self)
