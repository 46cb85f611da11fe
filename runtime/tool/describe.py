#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes of the descriptions of a program's verbs its C tables, manual pages and bash completion.

describe.py c      OUT.c OUT.h TOOL.yaml VERB.yaml...
describe.py man    OUTDIR TOOL.yaml VERB.yaml...     one page for the program, one for each verb
describe.py bash   OUT TOOL.yaml VERB.yaml...

TOOL.yaml: program, line, text; options: {common ones by name}; see: [other pages].
VERB.yaml: verb (absent: the program itself), line, usage, text, options (a name of a common one or a
description), args ({min, max, complete: file|none|WORDS}), examples. A program without verbs has
one VERB.yaml without `verb`.
"""
import os
import sys
import textwrap

import yaml

VERB_KEYS = {'verb', 'line', 'usage', 'text', 'options', 'args', 'examples'}
OPTION_KEYS = {'name', 'arg', 'values', 'many', 'text', 'file'}
MANY = 1 << 20


def fail(path, text):
    sys.exit(f'{path}: {text}')


def load_option(path, tool, option):
    if isinstance(option, str):
        if option not in tool['options']:
            fail(path, f'no common option {option}')
        option = dict(tool['options'][option], name=option)
    if set(option) - OPTION_KEYS or not {'name', 'text'} <= set(option):
        fail(path, f'option {option}: unknown or missing keys')
    if ('values' in option or 'file' in option) and 'arg' not in option:
        fail(path, f'option {option["name"]}: values without arg')
    return option


def load(tool_path, verb_paths):
    with open(tool_path, encoding='utf-8') as f:
        tool = yaml.safe_load(f)
    tool.setdefault('options', {})
    program = tool['program']  # only the nouns of hpl are called through it
    tool['command'] = program.replace('-', ' ', 1) if program.startswith('hpl-') else program
    tool['verbs'] = []
    for path in verb_paths:
        with open(path, encoding='utf-8') as f:
            verb = yaml.safe_load(f)
        if set(verb) - VERB_KEYS or not {'line', 'usage', 'text'} <= set(verb):
            fail(path, f'unknown or missing keys: {sorted(verb)}')
        verb['options'] = [load_option(path, tool, o) for o in verb.get('options', [])]
        args = verb.get('args', {})
        verb['min'], verb['max'] = args.get('min', 0), args.get('max', MANY)
        verb['complete'] = args.get('complete', 'file')
        verb['name'] = verb.get('verb', '')
        verb['command'] = ' '.join(filter(None, [tool['command'], verb['name']]))
        verb.setdefault('examples', [])
        for word in (e['run'] for e in verb['examples']):
            if tool['command'] not in word:
                fail(path, f'example does not call the program: {word}')
        tool['verbs'].append(verb)
    return tool


def c_string(text):
    return '"' + text.replace('\\', '\\\\').replace('"', '\\"').replace('\n', '\\n') + '"'


def c_name(verb):
    return 'spec_' + (verb['name'] or verb['command'].split()[-1]).replace('-', '_')


def paragraphs(text):
    return [p for p in text.strip().split('\n\n')]


def filled(text):
    """Paragraphs wrapped for a terminal; lines that begin with a blank stay as they are."""
    out = []
    for p in paragraphs(text):
        # the name of an option that is broken at a hyphen is two other words
        out.append(p if p.startswith(' ') else
                   textwrap.fill(' '.join(p.split()), 80, break_on_hyphens=False))
    return '\n\n'.join(out) + '\n'


def c_verb(verb):
    n = c_name(verb)
    for o in verb['options']:
        if 'values' in o:
            yield (f'static const char *const {n}_{o["name"].replace("-", "_")}[] = {{'
                   + ', '.join(c_string(str(v)) for v in o['values']) + ', NULL};\n')
    if verb['options']:
        yield f'static const struct hpl_tool_option {n}_options[] = {{\n'
        for o in verb['options']:
            values = f'{n}_{o["name"].replace("-", "_")}' if 'values' in o else 'NULL'
            arg = c_string(o['arg']) if 'arg' in o else 'NULL'
            yield (f'\t{{{c_string(o["name"])}, {arg}, {values}, '
                   f'{"true" if o.get("many") else "false"},\n\t\t{c_string(o["text"].strip())}}},\n')
        yield '};\n'
    if verb['examples']:
        yield f'static const struct hpl_tool_example {n}_examples[] = {{\n'
        for e in verb['examples']:
            yield f'\t{{{c_string(e["text"])}, {c_string(e["run"])}}},\n'
        yield '};\n'
    yield (f'static const char *const {n}_usage[] = {{'
           + ', '.join(c_string(u) for u in verb['usage']) + ', NULL};\n')
    options = f'{n}_options' if verb['options'] else 'NULL'
    examples = f'{n}_examples' if verb['examples'] else 'NULL'
    yield (f'const struct hpl_tool_verb {n} = {{\n\t.name = {c_string(verb["name"])}, '
           f'.command = {c_string(verb["command"])},\n\t.line = {c_string(verb["line"])}, '
           f'.usage = {n}_usage,\n\t.text = {c_string(filled(verb["text"]))},\n'
           f'\t.options = {options}, .option_count = {len(verb["options"])},\n'
           f'\t.examples = {examples}, .example_count = {len(verb["examples"])},\n'
           f'\t.args_min = {verb["min"]}, .args_max = {verb["max"]},\n}};\n\n')


def make_c(tool, c_path, h_path):
    with open(h_path, 'w', encoding='utf-8') as f:
        f.write('/* generated by describe.py */\n#pragma once\n#include "runtime/tool/options.h"\n\n')
        f.write(f'#define SPEC_COMMAND {c_string(tool["command"])}\n')
        f.write(f'#define SPEC_LINE {c_string(tool["line"])}\n')
        for verb in tool['verbs']:
            f.write(f'extern const struct hpl_tool_verb {c_name(verb)};\n')
    with open(c_path, 'w', encoding='utf-8') as f:
        f.write(f'/* generated by describe.py */\n#include "{os.path.basename(h_path)}"\n\n')
        for verb in tool['verbs']:
            f.writelines(c_verb(verb))


def roff(text):
    out = text.replace('\\', '\\e').replace('-', '\\-')
    return '\n'.join('\\&' + line if line[:1] in ".'" else line for line in out.split('\n'))


def roff_text(text):
    for p in paragraphs(text):
        if p.startswith(' '):
            yield '.PP\n.nf\n.RS 4\n' + roff(textwrap.dedent(p)) + '\n.RE\n.fi\n'
        else:
            yield '.PP\n' + roff(' '.join(p.split())) + '\n'


def page_name(verb):
    return verb['command'].replace(' ', '-')


def man_head(name, line):
    yield f'.\\" generated by describe.py\n.TH "{name.upper()}" 1 "" "openhpl" "User Commands"\n'
    yield f'.SH NAME\n{roff(name)} \\- {roff(line)}\n.SH SYNOPSIS\n'


def man_verb(tool, verb):
    yield from man_head(page_name(verb), verb['line'])
    for i, u in enumerate(verb['usage']):
        yield ('.br\n' if i else '') + f'.B {roff(verb["command"])}\n{roff(u)}\n'
    yield '.SH DESCRIPTION\n'
    yield from roff_text(verb['text'])
    yield '.SH OPTIONS\n'
    for o in verb['options'] + [{'name': 'help', 'text': 'Show a summary of this page.'}]:
        arg = f' \\fI{roff(o["arg"])}\\fP' if 'arg' in o else ''
        text = o['text'].strip()
        if 'values' in o:
            text += ' One of ' + ', '.join(str(v) for v in o['values']) + '.'
        if o.get('many'):
            text += ' May be repeated.'
        yield f'.TP\n\\fB\\-\\-{roff(o["name"])}\\fP{arg}\n{roff(" ".join(text.split()))}\n'
    yield ('.SH EXIT STATUS\n.TP\n0\ngood\n.TP\n1\nthe input is bad, or a step failed\n'
           '.TP\n2\nthe call is wrong or could not be done\n')
    if verb['examples']:
        yield '.SH EXAMPLES\n'
    for e in verb['examples']:
        yield f'.PP\n{roff(e["text"])}:\n.PP\n.nf\n.RS 4\n{roff(e["run"])}\n.RE\n.fi\n'
    others = ['hpl'] if verb['name'] == '' else ['hpl', tool['program']]
    others += tool.get('see', [])
    others = [o for o in others if o != page_name(verb)]
    if others:
        yield '.SH SEE ALSO\n' + ', '.join(f'{roff(o)}(1)' for o in others) + '\n'


def man_tool(tool):
    yield from man_head(tool['program'], tool['line'])
    yield f'.B {roff(tool["command"])}\n{roff("VERB [OPTIONS] [ARGUMENTS]")}\n.SH DESCRIPTION\n'
    yield from roff_text(tool['text'])
    yield '.SH VERBS\n'
    for verb in tool['verbs']:
        yield f'.TP\n\\fB{roff(verb["name"])}\\fP\n{roff(verb["line"])}\n'
    yield '.SH SEE ALSO\n' + ',\n'.join(f'{roff(page_name(v))}(1)' for v in tool['verbs']) + '\n'


def make_man(tool, outdir):
    pages = {page_name(v): man_verb(tool, v) for v in tool['verbs']}
    if tool['verbs'][0]['name']:
        pages[tool['program']] = man_tool(tool)
    for name, text in pages.items():
        with open(os.path.join(outdir, name + '.1'), 'w', encoding='utf-8') as f:
            f.writelines(text)


def bash_verb(verb):
    """The cases of one verb: values of the option before the cursor, else options or arguments."""
    files, words, free = [], [], []
    for o in verb['options']:
        if 'values' in o:
            words.append((o['name'], ' '.join(str(v) for v in o['values'])))
        elif o.get('file'):
            files.append('--' + o['name'])
        elif 'arg' in o:
            free.append('--' + o['name'])
    yield '\tcase $prev in\n'
    for name, values in words:
        yield f"\t--{name}) mapfile -t COMPREPLY < <(compgen -W '{values}' -- \"$cur\"); return ;;\n"
    if files:
        yield f"\t{'|'.join(files)}) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return ;;\n"
    if free:
        yield f"\t{'|'.join(free)}) COMPREPLY=(); return ;;\n"
    yield '\tesac\n'
    names = ' '.join('--' + o['name'] for o in verb['options']) + ' --help'
    yield ("\tif [[ $cur == -* ]]; then\n"
           f"\t\tmapfile -t COMPREPLY < <(compgen -W '{names.strip()}' -- \"$cur\")\n")
    if verb['complete'] == 'file':
        yield '\telse\n\t\tmapfile -t COMPREPLY < <(compgen -f -- "$cur")\n'
    elif verb['complete'] != 'none':
        yield ("\telse\n\t\tmapfile -t COMPREPLY < "
               f"<(compgen -W '{verb['complete']}' -- \"$cur\")\n")
    yield '\tfi\n'


def make_bash(tool):
    base = '_' + tool['program'].replace('-', '_')
    single = tool['verbs'][0]['name'] == ''
    yield f'# bash completion for {tool["program"]}; generated by describe.py\n'
    for verb in tool['verbs']:
        yield f'{base}__{verb["name"].replace("-", "_") or "call"}()\n{{\n'
        yield '\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n'
        yield from bash_verb(verb)
        yield '}\n'
    yield (f'# {base} AT: AT is the index of the word that calls the program\n{base}()\n{{\n'
           '\tlocal at=${1:-0}\n\t[[ $at =~ ^[0-9]+$ ]] || at=0\n')
    if single:
        yield f'\t{base}__call\n'
    else:
        names = ' '.join(v['name'] for v in tool['verbs'])
        yield ('\tlocal verb=${COMP_WORDS[at + 1]}\n\tif ((COMP_CWORD == at + 1)); then\n'
               f"\t\tmapfile -t COMPREPLY < <(compgen -W '{names} help --help --version' -- \"$verb\")\n"
               '\t\treturn\n\tfi\n\tcase $verb in\n')
        for v in tool['verbs']:
            yield f'\t{v["name"]}) {base}__{v["name"].replace("-", "_")} ;;\n'
        yield '\tesac\n'
    yield f'}}\ncomplete -F {base} {tool["program"]}\n'


def main():
    what, args = sys.argv[1], sys.argv[2:]
    if what == 'c':
        make_c(load(args[2], args[3:]), args[0], args[1])
    elif what == 'man':
        make_man(load(args[1], args[2:]), args[0])
    elif what == 'bash':
        with open(args[0], 'w', encoding='utf-8') as f:
            f.writelines(make_bash(load(args[1], args[2:])))
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main()
