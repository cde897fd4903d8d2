"""One report for all tests: drawing its pictures takes longer than everything that is asked of it."""

import pytest

from opengenome_assets.reporting.page import build_report
from opengenome_assets_tests.reporting.scenario import full_inputs


@pytest.fixture(scope="session")
def report():
    return build_report(full_inputs())


@pytest.fixture(scope="session")
def page(report):
    return report["index.html"].decode()
