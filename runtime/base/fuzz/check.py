#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check.py NAME=DIRECTORY...: enough fuzz targets, and a corpus for each; TAP."""
import os
import sys

TARGETS_MIN, FILES_MIN = 12, 3

targets = dict(a.split('=', 1) for a in sys.argv[1:])
print(f'{"ok" if len(targets) >= TARGETS_MIN else "not ok"} 1 - {len(targets)} targets, {TARGETS_MIN} at least')
failed = len(targets) < TARGETS_MIN
for i, (name, corpus) in enumerate(sorted(targets.items()), 2):
    files = [f for f in os.listdir(corpus) if not f.startswith('.')] if os.path.isdir(corpus) else []
    failed |= len(files) < FILES_MIN
    print(f'{"ok" if len(files) >= FILES_MIN else "not ok"} {i} - {name} has {len(files)} files')
print(f'1..{len(targets) + 1}')
sys.exit(failed)
