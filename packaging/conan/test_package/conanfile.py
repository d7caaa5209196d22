# SPDX-License-Identifier: MIT
"""What `conan create` does with a new package: it builds and runs the user of our tests with it."""

from pathlib import Path

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain


class Consumer(ConanFile):
    settings = "os", "arch", "compiler", "build_type"

    def layout(self) -> None:
        self.folders.root = "../../.."
        self.folders.source = "impl/tests/install"
        self.folders.build = self.folders.generators = "build/conan"

    def requirements(self) -> None:
        self.requires(self.tested_reference_str)

    def generate(self) -> None:
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # it would lie among the sources
        toolchain.cache_variables["way"] = "headers"
        toolchain.cache_variables["wanted_version"] = str(self.dependencies["poolproof"].ref.version)
        toolchain.generate()

    def build(self) -> None:
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def test(self) -> None:
        if can_run(self):
            self.run(str(Path(self.build_folder, "consumer")))
