"""What it costs to import the package."""

import subprocess
import sys
from importlib import resources

NEW_MODULES = (
    "import sys; before = set(sys.modules); import opengenome_assets; print(*set(sys.modules) - before)"
)


def test_importing_the_package_imports_no_library() -> None:
    done = subprocess.run([sys.executable, "-c", NEW_MODULES], capture_output=True, text=True, check=True)
    imported = {module.split(".")[0] for module in done.stdout.split()}
    assert imported - sys.stdlib_module_names == {"opengenome_assets"}


def test_type_checkers_find_the_packages_types() -> None:
    assert resources.files("opengenome_assets").joinpath("py.typed").is_file()
