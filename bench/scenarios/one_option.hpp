// SPDX-License-Identifier: MIT
// one_option: as pool, of pools that differ in one option.
#pragma once

#include "pool.hpp"

namespace pool_bench {

struct one_option : pool {
  static constexpr const char* name = "one_option";
};

}  // namespace pool_bench
