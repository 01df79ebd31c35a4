"""The pixel's pure modules, in Node's own test runner: TypeScript as it stands, without a build."""

import subprocess
from pathlib import Path

from deploy.demo.javascript import node


def test_the_pure_modules_do_what_their_tests_say() -> None:
    files = sorted(str(path) for path in Path(__file__).parent.glob("*.test.ts"))
    assert files
    done = subprocess.run([node(), "--test", *files], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
