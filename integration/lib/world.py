# SPDX-License-Identifier: Apache-2.0
"""The world outside the guest for Python callers: integration/world and the addresses it wrote."""
import os
import shlex
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.join(TOP, 'integration', 'world')
DIR = os.path.join(TOP, 'build', 'world')


def up():
    subprocess.run([PROGRAM, 'up'], check=True)


def down():
    subprocess.run([PROGRAM, 'down'], check=True)


def running():
    return subprocess.run([PROGRAM, 'status'], stdout=subprocess.DEVNULL, check=False).returncode == 0


def env():
    """The variables of build/world/env; empty when the world was never up."""
    path = os.path.join(DIR, 'env')
    if not os.path.exists(path):
        return {}
    with open(path, encoding='utf-8') as f:
        return dict(w.split('=', 1) for line in f for w in shlex.split(line))


def ports():
    """Ports of this machine's loopback that a guest has to reach."""
    e = env() if running() else {}
    return [e[k] for k in ('LOG_PORT', 'REGISTRY_PORT') if k in e]
