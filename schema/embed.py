#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the schema parts as one C file: embed.py OUTPUT PART.json..."""
import json
import os
import sys


def main():
    out, parts = sys.argv[1], sys.argv[2:]
    lines = ["/* Generated from the files of schema/parts. */", '#include "schema/parts.h"', ""]
    table = []
    for path in parts:
        name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as f:
            # titles are for the reader of the file; compact text is read faster at start
            text = json.dumps(json.load(f), separators=(",", ":")).encode()
        ident = name.replace("-", "_")
        body = ",".join(str(b) for b in text)
        lines.append(f"static const char part_{ident}[] = {{{body},0}};")
        table.append(f'\t{{"{name}", part_{ident}, sizeof(part_{ident}) - 1}},')
    lines += ["", "const struct hpl_part hpl_parts[] = {"] + table + ["\t{0},", "};", ""]
    with open(out, "w", encoding="utf-8") as f:
        f.write("\n".join(lines))


main()
