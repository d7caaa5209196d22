// SPDX-License-Identifier: MIT
// The command lines of the programs that run models and clients: CLI11, and the options that they
// have in common.
//
// Stands on: driver.
#pragma once

#include "driver.hpp"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace poolproof::models {

// Of seconds.
inline const CLI::Validator not_negative(
    [](const std::string& text) {
      return text.starts_with('-') ? "'" + text + "' is less than 0" : std::string();
    },
    "");

// An option that is given again counts as it was given last.
inline std::unique_ptr<CLI::App> command_line(std::string name, std::string says,
                                              std::string footer) {
  auto line = std::make_unique<CLI::App>(std::move(says), std::move(name));
  line->footer(std::move(footer));
  line->get_formatter()->column_width(24);
  line->set_help_flag("--help", "this text");
  line->option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  return line;
}

// Throws usage_error, which names the argument. False after --help, which is answered.
inline bool parse(CLI::App& line, int argc, char** argv) {
  try {
    line.parse(argc, argv);
    return true;
  } catch (const CLI::CallForHelp&) {
    std::cout << line.help();
    return false;
  } catch (const CLI::ConversionError& wrong) {
    throw usage_error(std::string(wrong.what()) + ", which is not a number");
  } catch (const CLI::ParseError& wrong) {
    throw usage_error(wrong.what());
  }
}

// --weaken and --mutate, each as often as one likes.
struct changes {
  std::vector<std::string> weakened;
  std::vector<std::string> mutated;

  void add_to(CLI::App& line) {
    line.add_option("--weaken", weakened,
                    "a label or FILE:LINE:op or FILE:LINE:fail, for example "
                    "pop_tail.claim:relaxed")
        ->type_name("SITE:ORDER")
        ->allow_extra_args(false)
        ->take_all();
    line.add_option("--mutate", mutated,
                    "a label or FILE:LINE, and skip-store, exchange-returns-zero or cas-blind")
        ->type_name("SITE:HOW")
        ->allow_extra_args(false)
        ->take_all();
  }

  // The options that a replay must repeat.
  std::string make() const {
    std::string repeat;
    for (const std::string& each : weakened) {
      weaken(each);
      repeat += " --weaken " + each;
    }
    for (const std::string& each : mutated) {
      mutate(each);
      repeat += " --mutate " + each;
    }
    return repeat;
  }
};

}  // namespace poolproof::models
