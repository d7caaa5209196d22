# SPDX-License-Identifier: MIT
"""The recipes for Conan, vcpkg and Meson, without any: they agree with the sources that they package."""

from __future__ import annotations

import configparser
import hashlib
import importlib.util
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent.parent
INCLUDE = ROOT / "impl" / "include"
PORT = ROOT / "packaging" / "vcpkg" / "poolproof"
VERSION = ".".join(re.findall(r"^#define POOLPROOF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$",
                              (INCLUDE / "poolproof" / "version.hpp").read_text(), re.MULTILINE))


def files(folder: Path) -> dict[str, str]:
    """By their hashes: to show where whole headers differ takes unittest minutes."""
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*") if path.is_file()}


def conan_recipe() -> Any:
    """An instance of the recipe's class, over a Conan that has nothing but the names."""
    names = {name: ModuleType(name) for name in ("conan", "conan.tools", "conan.tools.build")}
    setattr(names["conan"], "ConanFile", type("ConanFile", (), {}))
    setattr(names["conan.tools.build"], "check_min_cppstd", None)
    path = ROOT / "packaging" / "conan" / "conanfile.py"
    spec = importlib.util.spec_from_file_location("poolproof_recipe", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.dict(sys.modules, names):
        spec.loader.exec_module(module)
    recipe = module.Poolproof()
    recipe.recipe_folder = str(path.parent)
    return recipe


class Conan(unittest.TestCase):
    def setUp(self) -> None:
        self.recipe = conan_recipe()

    def test_its_version_is_that_of_the_headers(self) -> None:
        self.recipe.set_version()
        self.assertEqual(VERSION, self.recipe.version)

    def test_the_package_has_the_headers_and_the_licence(self) -> None:
        place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (place / "sources").mkdir()
        (place / "package").mkdir()
        self.recipe.export_sources_folder = self.recipe.source_folder = str(place / "sources")
        self.recipe.package_folder = str(place / "package")
        self.recipe.export_sources()
        self.recipe.package()
        self.assertEqual(files(INCLUDE), files(place / "package" / "include"))
        self.assertEqual(["LICENSE"], list(files(place / "package" / "licenses")))


class Vcpkg(unittest.TestCase):
    def test_its_version_is_that_of_the_headers(self) -> None:
        self.assertEqual(VERSION, json.loads((PORT / "vcpkg.json").read_text())["version"])

    def test_what_it_names_exists(self) -> None:
        """What CMake installs with its option is tested with the other ways to use the library: impl/tests/install."""
        text = (PORT / "portfile.cmake").read_text()
        up = re.search(r'SOURCE_PATH "\$\{CMAKE_CURRENT_LIST_DIR\}/([./]+)"', text)
        assert up is not None
        self.assertEqual(ROOT, (PORT / up[1]).resolve())
        option = re.search(r"-D(\w+)=ON", text)
        assert option is not None
        self.assertIn(f"option({option[1]} ", (ROOT / "CMakeLists.txt").read_text())
        named = re.findall(r'\$\{(SOURCE_PATH|CMAKE_CURRENT_LIST_DIR)\}/(\w+)"', text)
        self.assertEqual([("SOURCE_PATH", "LICENSE"), ("CMAKE_CURRENT_LIST_DIR", "usage")], named)
        for place, name in named:
            self.assertTrue(((ROOT if place == "SOURCE_PATH" else PORT) / name).is_file(), name)


class Meson(unittest.TestCase):
    def test_its_wrap_is_of_this_release_and_provides_what_there_is(self) -> None:
        wrap = configparser.ConfigParser()
        wrap.read(ROOT / "packaging" / "meson" / "poolproof.wrap")
        self.assertEqual(f"v{VERSION}", wrap["wrap-git"]["revision"])
        build = (ROOT / "meson.build").read_text()
        self.assertIn(f"project('{wrap['wrap-git']['directory']}',", build)
        self.assertIn(f"\n{wrap['provide']['poolproof']} = declare_dependency(", build)


if __name__ == "__main__":
    unittest.main()
