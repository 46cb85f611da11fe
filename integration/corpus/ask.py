# SPDX-License-Identifier: Apache-2.0
"""Asks the two sides about many contracts: the tool (hpl-contract validate), and the guest (verdict)."""
import collections
import json
import os
import subprocess
import sys

from bases import CANARY


class Asker:
    def __init__(self, tool, verdict, work, key):
        self.tool = tool
        self.verdict = verdict
        self.work = work
        self.key = key
        os.makedirs(os.path.join(work, 'text'), exist_ok=True)

    def write(self, number, data):
        path = os.path.join(self.work, 'text', f'{number}.yaml')
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def argv(self, case):
        argv = [self.tool, 'validate', '--product', case.product, '--format', 'jsonl']
        return argv + (['--legacy'] if case.legacy else []) + (
            ['--key', self.key] if case.opened else [])

    def start_tool(self, items):
        """items: (number, case, data). As few processes as there are sets of options."""
        groups = collections.defaultdict(list)
        for number, case, data in items:
            if not case.tool:
                continue
            groups[tuple(self.argv(case))].append((number, self.write(number, data)))
        running = []
        for argv, files in groups.items():
            process = subprocess.Popen(list(argv) + [p for _, p in files], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
            running.append((files, process))
        return running

    @staticmethod
    def finish_tool(running):
        """{number: (answer, its line)}"""
        results = {}
        for files, process in running:
            lines = process.communicate()[0].decode('utf-8', 'replace').splitlines()
            answers = [line for line in lines if line.startswith('{')]
            if len(answers) != len(files) or len(lines) != len(answers):
                odd = [line for line in lines if not line.startswith('{')]
                sys.exit(f'Bail out! {len(answers)} answers of the tool for {len(files)} files, '
                         f'status {process.returncode}: {" ".join(odd)[-2000:]}')
            for (number, _), line in zip(files, answers):
                results[number] = (json.loads(line), line)
        return results

    def start_verdict(self, items, count=3):
        """Processes that share the cases; items as above, their files are written already."""
        running = []
        for k in range(count):
            mine = items[k::count]
            work = os.path.join(self.work, f'guest-{k}')
            log = open(os.path.join(self.work, f'guest-{k}.log'), 'w+b')
            lists = os.path.join(self.work, f'guest-{k}.list')
            with open(lists, 'w', encoding='utf-8') as f:
                for number, case, _ in mine:
                    path = os.path.join(self.work, 'text', f'{number}.yaml') if case.tool else case.path
                    f.write(f'{number}\t{case.product}\t{int(case.legacy)}\t{path}\n')
            with open(lists, encoding='utf-8') as f:
                process = subprocess.Popen([self.verdict, work, self.key], stdin=f,
                                           stdout=subprocess.PIPE, stderr=log)
            running.append((mine, process, log))
        return running

    @staticmethod
    def finish_verdict(running):
        """{number: (id or "valid", place, log)}"""
        results = {}
        for mine, process, log in running:
            lines = process.communicate()[0].decode('utf-8', 'replace').splitlines()
            log.seek(0)
            logs = log.read().decode('utf-8', 'replace').split('== ')
            log.close()
            said = {}
            for part in logs[1:]:
                number, _, text = part.partition('\n')
                said[number] = text
            for line in lines:
                number, id, place = line.split('\t')
                results[number] = (id, place, said.get(number, ''))
            if process.returncode or len(lines) != len(mine):
                last = logs[-1][-1500:]
                sys.exit(f'Bail out! verdict ended with status {process.returncode} after {len(lines)} '
                         f'of {len(mine)} cases: {last}')
        return results


def first_error(answer):
    return next((f for f in answer['faults'] if f['severity'] == 'error'), None)


def leaks(case, text):
    """The secrets of the case that text holds."""
    return [s for s in (CANARY,) + tuple(case.secrets) if s and s in text]


def judge(case, answer, line):
    """What is wrong with the tool's answer: {kind: words}."""
    wrong = {}
    faults = answer['faults']
    first = faults[0] if faults else {}
    if answer['valid'] != case.valid:
        wrong['valid'] = f'valid is {answer["valid"]}'
    if first.get('id') != case.id:
        wrong['id'] = f'{first.get("id")} for {case.id}'
    if case.line is not None and first.get('line') != case.line:
        wrong['line'] = f'line {first.get("line")} for {case.line}'
    if case.col is not None and (first.get('line'), first.get('column')) != (case.line, case.col):
        wrong['column'] = f'{first.get("line")}:{first.get("column")} for {case.line}:{case.col}'
    if case.path is not None and first.get('path') != case.path:
        wrong['path'] = f'{first.get("path")!r} for {case.path!r}'
    if any(not f['text'] or not f['cure'] for f in faults):
        wrong['words'] = 'text or cure is empty'
    if leaks(case, line):
        wrong['secret'] = f'{leaks(case, line)} in the output'
    return wrong


def compare(case, answer, guest):
    """What differs between tool and guest, None: nothing."""
    id, place, log = guest
    if leaks(case, place + log):
        return f'the log of the guest holds {leaks(case, place + log)}'
    if case.tool:
        error = first_error(answer)
        said = error['id'] if error else 'valid'
    else:
        said = case.id or 'valid'
    if said != id:
        return f'{"the tool says" if case.tool else "expected is"} {said}, the guest says {id} {place}'
    if case.says and case.says not in log:
        return f'the guest does not say {case.says}'
    return None
