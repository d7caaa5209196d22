// SPDX-License-Identifier: MIT
// Litmus tests: which outcomes Relacy shows, and which RC11 and ISO C++20 allow. Names and notation
// are those of the literature: W, R, U, C, F are write, read, fetch_add, compare-and-swap and
// fence; x1 writes 1 to x; U returns the old value.

#include "litmus.hpp"

namespace poolproof::models {
namespace {

// Store buffering: both reads come before both writes.
struct sb : litmus_test {
  sb() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "SB",
                        .program = "W.rel x = 1; R.acq y || W.rel y = 1; R.acq x",
                        .outcome = "0 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "0 1", "1 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rel);
      r[0] = y.load(acq);
    } else {
      y.store(1, rel);
      r[1] = x.load(acq);
    }
  }
};

// Four seq_cst operations forbid it.
struct sb_4sc : litmus_test {
  sb_4sc() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "SB+4sc",
                        .program = "W.sc x = 1; R.sc y || W.sc y = 1; R.sc x",
                        .outcome = "0 0",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"0 1", "1 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, sc);
      r[0] = y.load(sc);
    } else {
      y.store(1, sc);
      r[1] = x.load(sc);
    }
  }
};

// Three do not.
struct sb_3sc_acq : litmus_test {
  sb_3sc_acq() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "SB+3sc+acq",
                        .program = "W.sc x = 1; R.sc y || W.sc y = 1; R.acq x",
                        .outcome = "0 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "0 1", "1 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, sc);
      r[0] = y.load(sc);
    } else {
      y.store(1, sc);
      r[1] = x.load(acq);
    }
  }
};

// Two seq_cst fences forbid it.
struct sb_scfs : litmus_test {
  sb_scfs() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "SB+scfs",
                        .program = "W.rlx x = 1; F.sc; R.rlx y || W.rlx y = 1; F.sc; R.rlx x",
                        .outcome = "0 0",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"0 1", "1 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      fence(sc);
      r[0] = y.load(rlx);
    } else {
      y.store(1, rlx);
      fence(sc);
      r[1] = x.load(rlx);
    }
  }
};

// So do a fence and two seq_cst accesses. Relacy shows it: a false alarm.
struct sb_2sc_scf : litmus_test {
  sb_2sc_scf() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "SB+2sc+scf",
                        .program = "W.sc x = 1; R.sc y || W.rlx y = 1; F.sc; R.rlx x",
                        .outcome = "0 0",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"0 0", "0 1", "1 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, sc);
      r[0] = y.load(sc);
    } else {
      y.store(1, rlx);
      fence(sc);
      r[1] = x.load(rlx);
    }
  }
};

// Message passing.
struct mp : litmus_test {
  mp() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "MP",
                        .program = "W.rel x = 1; W.rel y = 1 || R.acq y; R.acq x",
                        .outcome = "1 0",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"0 0", "0 1", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rel);
      y.store(1, rel);
    } else {
      r[0] = y.load(acq);
      r[1] = x.load(acq);
    }
  }
};

// Without orders the message need not be there.
struct mp_rlx : litmus_test {
  mp_rlx() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "MP+rlx",
                        .program = "W.rlx x = 1; W.rlx y = 1 || R.rlx y; R.rlx x",
                        .outcome = "1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "0 1", "1 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      r[1] = x.load(rlx);
    }
  }
};

// Message passing of plain data.
struct mp_rel_acq : litmus_test {
  mp_rel_acq() : litmus_test(2) {}

  static model_info info() {
    return race_info({.name = "MP+rel+acq",
                      .program = "plain x; W x = 1; W.rel y = 1 || if R.acq y {R x}",
                      .outcome = "race",
                      .rc11 = verdict::forbidden,
                      .iso = verdict::forbidden,
                      .shown = {"0 0", "1 1"}},
                     false);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      plain.set(1);
      y.store(1, rel);
    } else {
      r[0] = y.load(acq);
      if (r[0] == 1) r[1] = plain.get();
    }
  }
};

// Without the release it is a race.
struct mp_rlx_acq : litmus_test {
  mp_rlx_acq() : litmus_test(2) {}

  static model_info info() {
    return race_info({.name = "MP+rlx+acq",
                      .program = "plain x; W x = 1; W.rlx y = 1 || if R.acq y {R x}",
                      .outcome = "race",
                      .rc11 = verdict::allowed,
                      .iso = verdict::allowed,
                      .shown = {}},
                     true);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      plain.set(1);
      y.store(1, rlx);
    } else {
      r[0] = y.load(acq);
      if (r[0] == 1) r[1] = plain.get();
    }
  }
};

// Fences instead of orders.
struct mp_relf_acqf : litmus_test {
  mp_relf_acqf() : litmus_test(2) {}

  static model_info info() {
    return race_info({.name = "MP+relf+acqf",
                      .program = "plain x; W x = 1; F.rel; W.rlx y = 1 || if R.rlx y {F.acq; R x}",
                      .outcome = "race",
                      .rc11 = verdict::forbidden,
                      .iso = verdict::forbidden,
                      .shown = {"0 0", "1 1"}},
                     false);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      plain.set(1);
      fence(rel);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      if (r[0] == 0) return;
      fence(acq);
      r[1] = plain.get();
    }
  }
};

// A release sequence of C++20 does not go through the same thread's relaxed store. Relacy's does,
// as that of C++11 did.
struct mp_rels_acq : litmus_test {
  mp_rels_acq() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "MP+rels+acq",
                        .program = "W.rlx x = 1; W.rel y = 0; W.rlx y = 1 || if R.acq y {R.rlx x}",
                        .outcome = "1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      y.store(0, rel);
      y.store(1, rlx);
    } else {
      r[0] = y.load(acq);
      if (r[0] == 1) r[1] = x.load(rlx);
    }
  }
};

// Therefore this race is not reported.
struct mp_rels_acq_plain : litmus_test {
  mp_rels_acq_plain() : litmus_test(2) {}

  static model_info info() {
    return race_info({.name = "MP+rels+acq+na",
                      .program = "plain x; W x = 1; W.rel y = 0; W.rlx y = 1 || if R.acq y {R x}",
                      .outcome = "race",
                      .rc11 = verdict::allowed,
                      .iso = verdict::allowed,
                      .shown = {"0 0", "1 1"}},
                     false);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      plain.set(1);
      y.store(0, rel);
      y.store(1, rlx);
    } else {
      r[0] = y.load(acq);
      if (r[0] == 1) r[1] = plain.get();
    }
  }
};

// A read-modify-write continues the release sequence.
struct mpu_rel_acq : litmus_test {
  mpu_rel_acq() : litmus_test(1) {}

  static model_info info() {
    return race_info(
        {.name = "MPU+rel+acq",
         .program = "plain x; W x = 1; W.rel y = 1 || U.rlx y += 1 || if R.acq y > 1 {W x = 2}",
         .outcome = "race",
         .rc11 = verdict::forbidden,
         .iso = verdict::forbidden,
         .threads = 3,
         .shown = {"0", "1", "2"}},
        false);
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        plain.set(1);
        y.store(1, rel);
        break;
      case 1:
        y.fetch_add(1, rlx);
        break;
      default:
        r[0] = y.load(acq);
        if (r[0] > 1) plain.set(2);
        break;
    }
  }
};

// Coherence: two reads do not go back.
struct corr : litmus_test {
  corr() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "CoRR",
                        .program = "W.rel x = 1; W.rel x = 2 || R.acq x; R.acq x",
                        .outcome = "2 1",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"0 0", "0 1", "0 2", "1 1", "1 2", "2 2"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rel);
      x.store(2, rel);
    } else {
      r[0] = x.load(acq);
      r[1] = x.load(acq);
    }
  }
};

// Coherence: a write comes after what its thread has read before. The second number is the last
// value of x.
struct corw : litmus_test {
  corw() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "CoRW",
                        .program = "R.acq x; W.rel x = 1 || W.rel x = 2",
                        .outcome = "2 2",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"0 1", "0 2", "2 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      r[0] = x.load(acq);
      x.store(1, rel);
    } else {
      x.store(2, rel);
    }
  }

  void after() override {
    r[1] = final_value(x);
    litmus_test::after();
  }
};

// A write that goes before an earlier one in modification order. The second number is the last
// value of x. Relacy appends every write.
struct s : litmus_test {
  s() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "S",
                        .program = "W.rlx x = 2; W.rlx y = 1 || R.rlx y; W.rlx x = 1",
                        .outcome = "1 2",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 1", "0 2", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(2, rlx);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      x.store(1, rlx);
    }
  }

  void after() override {
    r[1] = final_value(x);
    litmus_test::after();
  }
};

// The same with two locations; the numbers are their last values.
struct two_plus_two_w : litmus_test {
  two_plus_two_w() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "2+2W",
                        .program = "W.rel x = 1; W.rel y = 2 || W.rel y = 1; W.rel x = 2",
                        .outcome = "1 1",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"1 2", "2 1", "2 2"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rel);
      y.store(2, rel);
    } else {
      y.store(1, rel);
      x.store(2, rel);
    }
  }

  void after() override {
    r[0] = final_value(x);
    r[1] = final_value(y);
    litmus_test::after();
  }
};

// Four seq_cst writes forbid it.
struct two_plus_two_w_4sc : litmus_test {
  two_plus_two_w_4sc() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "2+2W+4sc",
                        .program = "W.sc x = 1; W.sc y = 2 || W.sc y = 1; W.sc x = 2",
                        .outcome = "1 1",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::forbidden,
                        .shown = {"1 2", "2 1", "2 2"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, sc);
      y.store(2, sc);
    } else {
      y.store(1, sc);
      x.store(2, sc);
    }
  }

  void after() override {
    r[0] = final_value(x);
    r[1] = final_value(y);
    litmus_test::after();
  }
};

// Load buffering: each reads what the other writes later. Relacy runs in program order.
struct lb : litmus_test {
  lb() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "LB",
                        .program = "R.rlx x; W.rlx y = 1 || R.rlx y; W.rlx x = 1",
                        .outcome = "1 1",
                        .rc11 = verdict::forbidden,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "0 1", "1 0"},
                        .cyclic = true});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      r[0] = x.load(rlx);
      y.store(1, rlx);
    } else {
      r[1] = y.load(rlx);
      x.store(1, rlx);
    }
  }
};

// Two readers see two independent writes in opposite orders.
struct iriw : litmus_test {
  iriw() : litmus_test(4) {}

  static model_info info() {
    return litmus_info(
        {.name = "IRIW",
         .program = "W.rel x = 1 || R.acq x; R.acq y || R.acq y; R.acq x || W.rel y = 1",
         .outcome = "1 0 1 0",
         .rc11 = verdict::allowed,
         .iso = verdict::allowed,
         .threads = 4,
         .shown = {"0 0 0 0", "0 0 0 1", "0 0 1 0", "0 0 1 1", "0 1 0 0", "0 1 0 1", "0 1 1 0",
                   "0 1 1 1", "1 0 0 0", "1 0 0 1", "1 0 1 0", "1 0 1 1", "1 1 0 0", "1 1 0 1",
                   "1 1 1 0", "1 1 1 1"}});
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, rel);
        break;
      case 1:
        r[0] = x.load(acq);
        r[1] = y.load(acq);
        break;
      case 2:
        r[2] = y.load(acq);
        r[3] = x.load(acq);
        break;
      default:
        y.store(1, rel);
        break;
    }
  }
};

// seq_cst writes and second reads do not forbid it. Relacy's seq_cst reads see the last seq_cst
// write.
struct iriw_acq_sc : litmus_test {
  iriw_acq_sc() : litmus_test(4) {}

  static model_info info() {
    return litmus_info({.name = "IRIW-acq-sc",
                        .program = "W.sc x = 1 || R.acq x; R.sc y || R.acq y; R.sc x || W.sc y = 1",
                        .outcome = "1 0 1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .threads = 4,
                        .shown = {"0 0 0 0", "0 0 0 1", "0 0 1 0", "0 0 1 1", "0 1 0 0", "0 1 0 1",
                                  "0 1 1 0", "0 1 1 1", "1 0 0 0", "1 0 0 1", "1 0 1 1", "1 1 0 0",
                                  "1 1 0 1", "1 1 1 0", "1 1 1 1"}});
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, sc);
        break;
      case 1:
        r[0] = x.load(acq);
        r[1] = y.load(sc);
        break;
      case 2:
        r[2] = y.load(acq);
        r[3] = x.load(sc);
        break;
      default:
        y.store(1, sc);
        break;
    }
  }
};

// seq_cst reads of relaxed writes: ISO forbids it. Relacy shows it, as RC11 does: a false alarm
// against ISO.
struct iriw_rlx_sc : litmus_test {
  iriw_rlx_sc() : litmus_test(4) {}

  static model_info info() {
    return litmus_info({.name = "IRIW+4sc-reads",
                        .program = "W.rlx x = 1 || R.sc x; R.sc y || R.sc y; R.sc x || W.rlx y = 1",
                        .outcome = "1 0 1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::forbidden,
                        .threads = 4,
                        .shown = {"0 0 0 0", "0 0 0 1", "0 0 1 0", "0 0 1 1", "0 1 0 0", "0 1 0 1",
                                  "0 1 1 0", "0 1 1 1", "1 0 0 0", "1 0 0 1", "1 0 1 0", "1 0 1 1",
                                  "1 1 0 0", "1 1 0 1", "1 1 1 0", "1 1 1 1"}});
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, rlx);
        break;
      case 1:
        r[0] = x.load(sc);
        r[1] = y.load(sc);
        break;
      case 2:
        r[2] = y.load(sc);
        r[3] = x.load(sc);
        break;
      default:
        y.store(1, rlx);
        break;
    }
  }
};

// The same with three threads.
struct rwc_sc : litmus_test {
  rwc_sc() : litmus_test(3) {}

  static model_info info() {
    return litmus_info(
        {.name = "RWC+sc",
         .program = "W.rlx x = 1 || R.sc x; R.sc y || W.sc y = 1; R.sc x",
         .outcome = "1 0 0",
         .rc11 = verdict::allowed,
         .iso = verdict::forbidden,
         .threads = 3,
         .shown = {"0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 0", "1 0 1", "1 1 0", "1 1 1"}});
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, rlx);
        break;
      case 1:
        r[0] = x.load(sc);
        r[1] = y.load(sc);
        break;
      default:
        y.store(1, sc);
        r[2] = x.load(sc);
        break;
    }
  }
};

// With seq_cst fences all agree.
struct rwc_syncs : litmus_test {
  rwc_syncs() : litmus_test(3) {}

  static model_info info() {
    return litmus_info(
        {.name = "RWC+syncs",
         .program = "W.rlx x = 1 || R.rlx x; F.sc; R.rlx y || W.rlx y = 1; F.sc; R.rlx x",
         .outcome = "1 0 0",
         .rc11 = verdict::forbidden,
         .iso = verdict::forbidden,
         .threads = 3,
         .shown = {"0 0 0", "0 0 1", "0 1 0", "0 1 1", "1 0 1", "1 1 0", "1 1 1"}});
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, rlx);
        break;
      case 1:
        r[0] = x.load(rlx);
        fence(sc);
        r[1] = y.load(rlx);
        break;
      default:
        y.store(1, rlx);
        fence(sc);
        r[2] = x.load(rlx);
        break;
    }
  }
};

// The seq_cst order need not agree with happens-before through a release that is not seq_cst.
// Relacy's does.
struct z6_u : litmus_test {
  z6_u() : litmus_test(3) {}

  static model_info info() {
    return litmus_info(
        {.name = "Z6.U",
         .program = "W.sc x = 1; W.rel y = 1 || U.sc y += 1; R.rlx y || W.sc y = 3; R.sc x",
         .outcome = "1 3 0",
         .rc11 = verdict::allowed,
         .iso = verdict::allowed,
         .threads = 3,
         .shown = {"0 1 0", "0 1 1", "0 3 0", "0 3 1", "1 2 0", "1 2 1", "1 3 1", "3 1 0", "3 1 1",
                   "3 4 0", "3 4 1"}});
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        x.store(1, sc);
        y.store(1, rel);
        break;
      case 1:
        r[0] = y.fetch_add(1, sc);
        r[1] = y.load(rlx);
        break;
      default:
        y.store(3, sc);
        r[2] = x.load(sc);
        break;
    }
  }
};

// A failed compare-and-swap is a load and may read an old value. Here it reads the last one.
struct cas_fail_stale : litmus_test {
  cas_fail_stale() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "CAS-stale-failure",
                        .program = "W.rlx x = 1; W.rlx y = 1 || if R.rlx y {C(rlx, rlx) x: 9 -> 7}",
                        .outcome = "1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "1 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      if (r[0] == 0) return;
      std::uint32_t expected = 9;
      x.compare_exchange_strong(expected, 7, rlx, rlx);
      r[1] = expected;
    }
  }
};

// The failure order counts: relaxed acquires nothing.
struct cas_fail_rlx : litmus_test {
  cas_fail_rlx() : litmus_test(2) {}

  static model_info info() {
    return litmus_info(
        {.name = "CAS-failure-rlx",
         .program = "W.rlx x = 1; W.rel y = 2 || r = C(acq, rlx) y: 1 -> 3; if r == 2 {R.rlx x}",
         .outcome = "2 0",
         .rc11 = verdict::allowed,
         .iso = verdict::allowed,
         .shown = {"0 0", "2 0", "2 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      y.store(2, rel);
    } else {
      std::uint32_t expected = 1;
      y.compare_exchange_strong(expected, 3, acq, rlx);
      r[0] = expected;
      if (r[0] == 2) r[1] = x.load(rlx);
    }
  }
};

// And it may be stronger than the order of success.
struct cas_fail_acq : litmus_test {
  cas_fail_acq() : litmus_test(2) {}

  static model_info info() {
    return litmus_info(
        {.name = "CAS-failure-acq",
         .program = "W.rlx x = 1; W.rel y = 2 || r = C(rlx, acq) y: 1 -> 3; if r == 2 {R.rlx x}",
         .outcome = "2 0",
         .rc11 = verdict::forbidden,
         .iso = verdict::forbidden,
         .shown = {"0 0", "2 1"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      y.store(2, rel);
    } else {
      std::uint32_t expected = 1;
      y.compare_exchange_strong(expected, 3, rlx, acq);
      r[0] = expected;
      if (r[0] == 2) r[1] = x.load(rlx);
    }
  }
};

// A read two writes back. Full and bounded search go back by one only.
struct stale_2_full : litmus_test {
  stale_2_full() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "stale-2-full",
                        .program = "W.rlx x = 1; W.rlx x = 2; W.rlx y = 1 || if R.rlx y {R.rlx x}",
                        .outcome = "1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "1 1", "1 2"}});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      x.store(2, rlx);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      if (r[0] == 1) r[1] = x.load(rlx);
    }
  }
};

// Random search goes back by two.
struct stale_2_random : litmus_test {
  stale_2_random() : litmus_test(2) {}

  static model_info info() {
    return litmus_info({.name = "stale-2-random",
                        .program = "W.rlx x = 1; W.rlx x = 2; W.rlx y = 1 || if R.rlx y {R.rlx x}",
                        .outcome = "1 0",
                        .rc11 = verdict::allowed,
                        .iso = verdict::allowed,
                        .shown = {"0 0", "1 0", "1 1", "1 2"},
                        .search = random_search(100'000)});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      x.store(2, rlx);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      if (r[0] == 1) r[1] = x.load(rlx);
    }
  }
};

// And no further.
struct stale_3_random : litmus_test {
  stale_3_random() : litmus_test(2) {}

  static model_info info() {
    return litmus_info(
        {.name = "stale-3-random",
         .program = "W.rlx x = 1; W.rlx x = 2; W.rlx x = 3; W.rlx y = 1 || if R.rlx y {R.rlx x}",
         .outcome = "1 0",
         .rc11 = verdict::allowed,
         .iso = verdict::allowed,
         .shown = {"0 0", "1 1", "1 2", "1 3"},
         .search = random_search(100'000)});
  }

  void thread(unsigned index) override {
    if (index == 0) {
      x.store(1, rlx);
      x.store(2, rlx);
      x.store(3, rlx);
      y.store(1, rlx);
    } else {
      r[0] = y.load(rlx);
      if (r[0] == 1) r[1] = x.load(rlx);
    }
  }
};

// z is 1 if the first fence comes first. That orders the fences, but gives no happens-before: the
// acquire side would need a fence after the read of z. In Relacy seq_cst fences synchronise, and
// the race is not reported.
struct fences_hide_race : litmus_test {
  fences_hide_race() : litmus_test(2) {}

  static model_info info() {
    return race_info({.name = "race-behind-F.sc",
                      .program = "plain x; W x = 1; F.sc; r = R.rlx y; W.rlx z = 1 + r "
                                 "|| W.rlx y = 1; F.sc; if R.rlx z == 1 {R x}",
                      .outcome = "race",
                      .rc11 = verdict::allowed,
                      .iso = verdict::allowed,
                      .shown = {"0 0", "1 1", "2 0"}},
                     false);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      plain.set(1);
      fence(sc);
      z.store(y.load(rlx) == 0 ? 1 : 2, rlx);
    } else {
      y.store(1, rlx);
      fence(sc);
      r[0] = z.load(rlx);
      if (r[0] == 1) r[1] = plain.get();
    }
  }
};

const registered<sb, sb_4sc, sb_3sc_acq, sb_scfs, sb_2sc_scf, mp, mp_rlx, mp_rel_acq, mp_rlx_acq,
                 mp_relf_acqf, mp_rels_acq, mp_rels_acq_plain, mpu_rel_acq, corr, corw, s,
                 two_plus_two_w, two_plus_two_w_4sc, lb, iriw, iriw_acq_sc, iriw_rlx_sc, rwc_sc,
                 rwc_syncs, z6_u, cas_fail_stale, cas_fail_rlx, cas_fail_acq, stale_2_full,
                 stale_2_random, stale_3_random, fences_hide_race>
    registration;

}  // namespace
}  // namespace poolproof::models
