// SPDX-License-Identifier: MIT
// The forms of operator new and delete that Relacy does not replace: forwarded, so that it tracks
// what they allocate, or it would take their blocks for foreign ones.

#include <poolproof/sync.hpp>

#include "relacy_sync.hpp"

#include <new>

using poolproof::models::aligned_block;

void operator delete(void* memory, std::size_t) noexcept { ::operator delete(memory); }

void operator delete[](void* memory, std::size_t) noexcept { ::operator delete[](memory); }

void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto align = static_cast<std::size_t>(alignment);
  return aligned_block::place(::operator new(aligned_block::padded(size, align)), align);
}

void operator delete(void* memory, std::align_val_t) noexcept {
  if (memory != nullptr) ::operator delete(aligned_block::original(memory));
}

void* operator new[](std::size_t size, std::align_val_t alignment) {
  return ::operator new(size, alignment);
}

void operator delete[](void* memory, std::align_val_t alignment) noexcept {
  ::operator delete(memory, alignment);
}

void operator delete(void* memory, std::size_t, std::align_val_t alignment) noexcept {
  ::operator delete(memory, alignment);
}

void operator delete[](void* memory, std::size_t, std::align_val_t alignment) noexcept {
  ::operator delete(memory, alignment);
}
