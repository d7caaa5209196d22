# SPDX-License-Identifier: MIT
"""The library as a package of Conan 2, made of the sources that this file lies in: conan create packaging/conan."""

import re
import shutil
from pathlib import Path

from conan import ConanFile
from conan.tools.build import check_min_cppstd


class Poolproof(ConanFile):
    name = "poolproof"
    description = "A concurrent object pool, model-checked as shipped"
    license = "MIT"
    package_type = "header-library"
    settings = "compiler"  # for validate(): the package is the same for all
    no_copy_source = True

    def set_version(self) -> None:
        header = Path(self.recipe_folder, "../../impl/include/poolproof/version.hpp").read_text()
        self.version = ".".join(re.findall(r"^#define POOLPROOF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", header,
                                           re.MULTILINE))

    def export_sources(self) -> None:
        root = Path(self.recipe_folder, "../..")
        shutil.copytree(root / "impl" / "include", Path(self.export_sources_folder, "include"))
        shutil.copy(root / "LICENSE", self.export_sources_folder)

    def validate(self) -> None:
        check_min_cppstd(self, 20)

    def package_id(self) -> None:
        self.info.clear()

    def package(self) -> None:
        shutil.copytree(Path(self.source_folder, "include"), Path(self.package_folder, "include"))
        licenses = Path(self.package_folder, "licenses")
        licenses.mkdir()
        shutil.copy(Path(self.source_folder, "LICENSE"), licenses)

    def package_info(self) -> None:
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.system_libs = ["pthread"]
