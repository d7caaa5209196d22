// SPDX-License-Identifier: MIT
// What clang-tidy looks at: every member of the library, instantiated.
#include <poolproof/borrow_shared.hpp>
#include <poolproof/bounded_pool.hpp>
#include <poolproof/buffer_pool.hpp>
#include <poolproof/checked_pool.hpp>
#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>
#include <poolproof/trimmer.hpp>

template class poolproof::object_pool<int>;
template class poolproof::bounded_pool<int>;
template class poolproof::checked_pool<int>;
template auto poolproof::borrow_shared(poolproof::object_pool<int>&);
template class poolproof::immortal<poolproof::object_pool<int>>;
template void poolproof::rotate_all_of<poolproof::std_sync>();
