#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every verb and option that a program's --help names is in its manual pages and its completion.

test_pages.py HPL.bash DIR PROGRAM...: prints TAP. Pages and completion lie in DIR.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile


def text_of(*args):
    return subprocess.run(args, capture_output=True, check=True, text=True).stdout


def verbs_of(program):
    """Names of the verbs, or [''] for a program without."""
    text = text_of(program, '--help')
    if '\nVerbs:\n' not in text:
        return ['']
    return re.findall(r'^  ([a-z][a-z0-9-]*) ', text.split('\nVerbs:\n')[1], re.M)


def options_of(program, verb):
    text = text_of(program, *([verb] if verb else []), '--help')
    return re.findall(r'^  --([a-z0-9-]+)', text.split('\nOptions:\n')[1], re.M)


def complete(folder, words, path):
    """What bash offers for the last word."""
    script = (f'PATH={path}; . {folder}/{words[0]}.bash; COMP_WORDS=({" ".join(words)} ""); '
              f'COMP_WORDS[{len(words) - 1}]={words[-1]}; unset "COMP_WORDS[{len(words)}]"; '
              f'COMP_CWORD={len(words) - 1}; _{words[0].replace("-", "_")}; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return text_of('bash', '-c', script).split()


class Pages:
    def __init__(self, hpl_bash, pages, programs, folder):
        self.programs = [p for p in programs if os.path.basename(p) != 'hpl']
        self.pages = pages
        self.folder = folder
        shutil.copy(hpl_bash, os.path.join(folder, 'hpl.bash'))
        self.bin = os.path.join(folder, 'bin')
        os.mkdir(self.bin)
        for p in programs:
            shutil.copy(p, self.bin)
        for p in self.programs:
            shutil.copy(os.path.join(pages, os.path.basename(p) + '.bash'), folder)

    def called(self):
        """Programs, and how people call them: hpl-contract is `hpl contract`."""
        for p in self.programs:
            name = os.path.basename(p)
            yield p, ['hpl', name[4:]] if name.startswith('hpl-') else [name]

    def name(self, program, verb):
        return os.path.join(self.pages, os.path.basename(program) + (f'-{verb}' if verb else '') + '.1')

    def page(self, program, verb):
        with open(self.name(program, verb), encoding='utf-8') as f:
            return f.read().replace('\\-', '-').replace('\\e', '\\')


def test_pages_name_all_options(t):
    seen = 0
    for program in t.programs:
        for verb in verbs_of(program):
            page = t.page(program, verb)
            for option in options_of(program, verb):
                assert f'\\fB--{option}\\fP' in page, (program, verb, option)
                seen += 1
            for part in ('.SH NAME', '.SH SYNOPSIS', '.SH DESCRIPTION', '.SH EXIT STATUS'):
                assert part in page, (program, verb, part)
    assert seen > 20, seen


def test_page_of_a_program_names_all_verbs(t):
    for program in t.programs:
        verbs = verbs_of(program)
        page = t.page(program, '')
        for verb in verbs:
            assert not verb or f'\\fB{verb}\\fP' in page, (program, verb)


def test_help_and_page_say_the_same_of_the_exit_status(t):
    wanted = ('good', 'the input is bad, or a step failed', 'the call is wrong or could not be done')
    for program in t.programs:
        for verb in verbs_of(program):
            said = text_of(program, *([verb] if verb else []), '--help').split('Exit status: ')[1]
            assert ' '.join(said.split()) == ', '.join(f'{i} {w}' for i, w in enumerate(wanted)) + '.', said
            page = t.page(program, verb).split('.SH EXIT STATUS\n')[1].split('.SH')[0]
            assert page == ''.join(f'.TP\n{i}\n{w}\n' for i, w in enumerate(wanted)), page


def test_help_breaks_no_word(t):
    for program in t.programs:
        for verb in verbs_of(program):
            text = text_of(program, *([verb] if verb else []), '--help')
            # an example stands in one line, however long
            text = re.sub(r'\nExamples:\n.*?\n\n', '\n\n', text, flags=re.S)
            broken = re.findall(r'.*[a-z]-$', text, re.M)
            assert not broken, (program, verb, broken)
            wide = [line for line in text.splitlines() if len(line) > 80 and line[0] != ' ' and
                    not line.startswith('Usage:')]
            assert not wide, (program, verb, wide)


def test_completion_offers_nouns_verbs_and_options(t):
    path = t.bin + ':/usr/bin:/bin'
    for program, call in t.called():
        if len(call) > 1:
            assert call[1] in complete(t.folder, ['hpl', call[1][:3]], path), call
        for verb in verbs_of(program):
            words = call + ([verb] if verb else [])
            if verb:
                assert verb in complete(t.folder, call + [verb[:1]], path), verb
            offered = complete(t.folder, words + ['--'], path)
            assert sorted(offered) == sorted('--' + o for o in options_of(program, verb)), (verb, offered)


def test_completion_offers_values(t):
    path = t.bin + ':/usr/bin:/bin'
    assert 'hpl-contract' in [os.path.basename(p) for p in t.programs]
    assert complete(t.folder, ['hpl', 'contract', 'validate', '--product', 'cc'], path) == \
        ['ccrt', 'ccrv', 'ccco']


def test_every_verb_has_an_example_that_its_options_allow(t):
    for program in t.programs:
        for verb in verbs_of(program):
            text = text_of(program, *([verb] if verb else []), '--help')
            assert '\nExamples:\n' in text, (program, verb)
            examples = re.findall(r'^  ((?:hpl|se)[ -].*)', text.split('\nExamples:\n')[1], re.M)
            for option in re.findall(r' --([a-z0-9-]+)', ' '.join(examples)):
                assert option in options_of(program, verb) or option == 'list', (verb, option)


def test_pages_are_good_roff(t):
    if not shutil.which('groff'):
        return 'no groff here'
    for program in t.programs:
        for verb in [''] + verbs_of(program):
            name = t.name(program, verb)
            r = subprocess.run(['groff', '-man', '-ww', '-z', name], capture_output=True, check=False)
            assert r.returncode == 0 and not r.stderr, (name, r.stderr)
    return None


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith('test_')]
    print(f'1..{len(tests)}')
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        t = Pages(sys.argv[1], sys.argv[2], sys.argv[3:], folder)
        for i, (name, function) in enumerate(tests, 1):
            words = name[5:].replace('_', ' ')
            try:
                skip = function(t)
                print(f'ok {i} - {words}' + (f' # SKIP {skip}' if skip else ''))
            except Exception as e:  # any: one test must not hide the others
                failed += 1
                print(f'not ok {i} - {words}\n# {type(e).__name__}: {e}')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
