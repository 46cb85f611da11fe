#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the code blocks of a page to files, so that the page is what is compiled.

extract_blocks.py PAGE OUT...      one file for each block that names a language, in their order
"""
import re
import sys


def main():
    page, outs = sys.argv[1], sys.argv[2:]
    text = open(page, encoding='utf-8').read()
    blocks = re.findall(r'^```[a-z]+\n(.*?)^```$', text, re.DOTALL | re.MULTILINE)
    if len(blocks) != len(outs):
        sys.exit(f'{page}: {len(blocks)} blocks, wanted {len(outs)}')
    for out, block in zip(outs, blocks):
        with open(out, 'w', encoding='utf-8') as f:
            f.write(block)


if __name__ == '__main__':
    main()
