// SPDX-License-Identifier: MIT
#include <poolproof/object_pool.hpp>

#include "libraries.hpp"

void rotate_everything() { poolproof::rotate_all(); }
