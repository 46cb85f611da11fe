#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts test results: TAP lines of a log, or all tests of a meson testlog.json.

tally.py tap LOG [EXIT]      EXIT: status of the program; non-zero without a "not ok" is one failure
tally.py meson TESTLOG.json
Prints "passed failed skipped" and, on standard error, what failed.
"""
import json
import re
import sys

LINE = re.compile(r'^(ok|not ok)\b(.*)$')


def tap(text, status, name):
    passed = failed = skipped = 0
    for line in text.splitlines():
        m = LINE.match(line)
        if not m:
            continue
        if re.search(r'#\s*SKIP', m.group(2), re.IGNORECASE):
            skipped += 1
        elif m.group(1) == 'ok':
            passed += 1
        else:
            failed += 1
            print(f'  failed: {name}:{m.group(2)}', file=sys.stderr)
    if status and not failed:
        failed = 1
        print(f'  failed: {name}: ended with status {status}', file=sys.stderr)
    if not status and not passed + failed + skipped:
        failed = 1
        print(f'  failed: {name}: no test ran', file=sys.stderr)
    return passed, failed, skipped


def meson(path):
    total = [0, 0, 0]
    for line in open(path, encoding='utf-8'):
        test = json.loads(line)
        if test['result'] == 'SKIP':
            counts = (0, 0, 1)
        else:
            status = 0 if test['result'] == 'OK' else test.get('returncode') or 1
            text = test.get('stdout') or ''
            # a suite that was linked without its tests prints a plan of none: that is a failure
            if re.search(r'^(ok|not ok|1\.\.|TAP version)\b', text, re.M):
                counts = tap(text, status, test['name'])
            else:  # a plain program: its exit status is the result
                counts = (0, 1, 0) if status else (1, 0, 0)
                if status:
                    print(f"  failed: {test['name']} ({test['result']})", file=sys.stderr)
            if counts[1]:
                tail = (test.get('stderr') or '')[-3000:]
                print(f"{text[-3000:]}\n{tail}", file=sys.stderr)
        total = [a + b for a, b in zip(total, counts)]
    return total


def main():
    if sys.argv[1] == 'meson':
        counts = meson(sys.argv[2])
    else:
        text = open(sys.argv[2], encoding='utf-8', errors='replace').read()
        counts = tap(text, int(sys.argv[3]) if len(sys.argv) > 3 else 0, sys.argv[2])
    print(*counts)


if __name__ == '__main__':
    main()
