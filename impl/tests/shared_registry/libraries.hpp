// SPDX-License-Identifier: MIT
// What the two libraries offer to the program. All else in them is hidden.
#pragma once

// In pool_owner: an immortal pool.
[[gnu::visibility("default")]] void put_items(int count);
[[gnu::visibility("default")]] int items_alive();

// In rotator: poolproof::rotate_all, as this library has compiled it.
[[gnu::visibility("default")]] void rotate_everything();
