# SPDX-License-Identifier: Apache-2.0
"""Applies the cure of a fault to the text, as an editor would: it knows lines and columns only."""
import re

KEY = re.compile(r'("(?:[^"\\]|\\.)*"|[^\s:{}\[\],"][^:{}\[\],]*?)(?=\s*:(\s|$))')


def indent_of(line):
    return len(line) - len(line.lstrip(' '))


def block_end(lines, first, column):
    """Index behind the last line of the entry whose key stands in lines[first] at column."""
    end = first + 1
    while end < len(lines) and (not lines[end].strip() or indent_of(lines[end]) > column):
        end += 1
    return end


def apply(text, fault):
    """The mended text; None: this fault has no mechanical cure, or it does not fit the text."""
    fix = fault.get('fix')
    if not fix:
        return None
    lines = text.split('\n')
    at, col = fault['line'] - 1, fault['column'] - 1
    if not 0 <= at < len(lines):
        return None
    return {'rename': rename, 'remove': remove, 'add': add, 'replace': replace}[fix['action']](
        lines, at, col, fix['text'])


def rename(lines, at, col, text):
    m = KEY.match(lines[at], col)
    if not m:
        return None
    lines[at] = lines[at][:col] + text + lines[at][m.end(1):]
    return '\n'.join(lines)


def remove(lines, at, col, _):
    line = lines[at]
    end = block_end(lines, at, col)
    if line[:col].strip() not in ('', '-'):
        return None  # inside a flow mapping
    if '-' in line[:col]:  # the first key of a list item: the next one takes its place
        if end >= len(lines) or indent_of(lines[end]) != col:
            return None
        lines[end] = line[:col] + lines[end][col:]
    del lines[at:end]
    return '\n'.join(lines)


def add(lines, at, col, text):
    """The place is that of the mapping's name, of its first key, or of the list item."""
    m = KEY.match(lines[at], col)
    if m and re.match(r'\s*:\s*(\|[-+]?)?\s*$', lines[at][m.end(1):]):
        below = next((i for i in range(at + 1, len(lines)) if lines[i].strip()), None)
        if below is None or indent_of(lines[below]) <= col:
            return None
        lines.insert(at + 1, ' ' * indent_of(lines[below]) + text)
    elif lines[at][:col].strip() in ('', '-'):
        lines.insert(at + 1, ' ' * col + lines[at][col:])
        lines[at] = lines[at][:col] + text
    else:
        return None
    return '\n'.join(lines)


def replace(lines, at, col, text):
    line = lines[at]
    if line[:col].count('{') > line[:col].count('}') or '[' in line[:col].split('"')[0]:
        return None
    m = KEY.match(line, col)
    if m and line[:col].strip() in ('', '-'):  # the place of a mapping's name
        lines[at] = line[:m.end(1)] + ': ' + text
        del lines[at + 1:block_end(lines, at, col)]
        return '\n'.join(lines)
    start = indent_of(line)
    end = block_end(lines, at, start) if line[col:col + 1] in ('|', '>') else at + 1
    space = '' if line[:col].endswith(' ') or not line[:col] else ' '
    lines[at:end] = [line[:col] + space + text]
    return '\n'.join(lines)
