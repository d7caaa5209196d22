// SPDX-License-Identifier: MIT
// What compare.py asks of the headers and of glibc's, where it makes what the sections run in.
#include <poolproof/shard_table.hpp>

#include <sys/rseq.h>

using namespace poolproof;

extern "C" {

extern const std::uint64_t shard_bytes = sizeof(shard<int>);
extern const std::uint32_t signature = RSEQ_SIG;

void show(near_shards<int, std_sync>& shown, shard<int>* first, std::uint32_t reach) {
  shown.show(first, reach);
}

void* magazine_of(shard<int>& of) { return &of.own_magazine(); }

}  // extern "C"

// glibc's, in whose place we are: where in a thread's memory the area is that the kernel knows.
const std::ptrdiff_t __rseq_offset = -0x40;
