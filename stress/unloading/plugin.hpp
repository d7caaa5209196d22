// SPDX-License-Identifier: MIT
// What the plugin of unload_stress exports.
#pragma once

// Uses a pool of the plugin's own: `count` gets and puts.
extern "C" [[gnu::visibility("default")]] void use_pool(int count);
