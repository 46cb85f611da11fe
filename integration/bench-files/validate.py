#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""validate.py JOB.json [MS]: python3-jsonschema with the schema parts of the job, as validate.js."""
import json
import re
import statistics
import sys
import time

import jsonschema
import yaml

with open(sys.argv[1], encoding='utf-8') as f:
    JOB = json.load(f)
CHECKER = jsonschema.FormatChecker(formats=())


def add_format(name, regex):
    pattern = re.compile(regex, re.ASCII)
    CHECKER.checkers[name] = (lambda v: not isinstance(v, str) or pattern.search(v) is not None, ())


def valid(tree):
    ok = True
    for v in VALIDATORS:
        ok &= v.is_valid(tree)
    return ok


def from_yaml(text):
    tree = yaml.load(text, yaml.CSafeLoader)
    for s in ('workload', 'env'):
        if isinstance(tree[s], str):
            tree[s] = yaml.load(tree[s], yaml.CSafeLoader)
    return tree


def measure(fn, ms):
    ns, end = [], time.monotonic() + ms / 1000
    fn()
    while len(ns) < 3 or time.monotonic() < end:
        t = time.perf_counter_ns()
        fn()
        ns.append(time.perf_counter_ns() - t)
    return round(statistics.median(ns))


for n, r in JOB['formats'].items():
    add_format(n, r)
VALIDATORS = [jsonschema.Draft202012Validator(p, format_checker=CHECKER) for p in JOB['parts']]
with open(JOB['tree'], encoding='utf-8') as f:
    JSON_TEXT = f.read()
with open(JOB['contract'], encoding='utf-8') as f:
    YAML_TEXT = f.read()
TREE = json.loads(JSON_TEXT)
RESULT = {'valid': bool(valid(TREE))}
MS = int(sys.argv[2]) if len(sys.argv) > 2 else 0
if MS:
    RESULT['parts'] = measure(lambda: valid(TREE), MS)
    RESULT['json'] = measure(lambda: valid(json.loads(JSON_TEXT)), MS)
    RESULT['yaml'] = measure(lambda: valid(from_yaml(YAML_TEXT)), MS)
print(json.dumps(RESULT))
