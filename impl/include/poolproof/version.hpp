// SPDX-License-Identifier: MIT
// Which release this is: the one place that says so. CMake, Meson and the packages read it here.
//
// Stands on nothing.
#pragma once

#define POOLPROOF_VERSION_MAJOR 0
#define POOLPROOF_VERSION_MINOR 2
#define POOLPROOF_VERSION_PATCH 0
// One number to compare with: major * 10000 + minor * 100 + patch.
#define POOLPROOF_VERSION \
  (POOLPROOF_VERSION_MAJOR * 10000 + POOLPROOF_VERSION_MINOR * 100 + POOLPROOF_VERSION_PATCH)
