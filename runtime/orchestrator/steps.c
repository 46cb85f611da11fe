/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a boot's steps. Every part appends "step<TAB>start_us<TAB>end_us" (CLOCK_BOOTTIME)
 * to one file; at the end of the boot hpld says it, with the memory of all that runs.
 */
#include <errno.h>
#include <fcntl.h>

#include "runtime/base/file.h"
#include "runtime/orchestrator/hpld.h"

enum { STEPS_MAX = 256, STEPS_BYTES = 64 << 10 };

struct step {
	const char *name;
	unsigned long long start_us, end_us;
};

void hpld_step(struct hpld *h, const char *name, const char *what, uint64_t start_us,
	uint64_t end_us)
{
	int fd = open(h->steps_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	char line[256];
	int n = snprintf(line, sizeof(line), "%s%s%s\t%llu\t%llu\n", name, *what ? " " : "", what,
		(unsigned long long)start_us, (unsigned long long)end_us);

	if (fd < 0)
		return;
	/* one write: others append to the same file */
	if (n < (int)sizeof(line) && write(fd, line, (size_t)n) < 0 && errno != ENOSPC)
		hpld_log(h, HPL_SEV_WARNING, HPL_MSG_NONE, "step table: %s", strerror(errno));
	close(fd);
}

static int by_start(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->start_us != y->start_us)
		return x->start_us < y->start_us ? -1 : 1;
	return x->end_us < y->end_us ? -1 : x->end_us > y->end_us;
}

/* Lines that are not of the form are left out; the names point into text. */
static size_t parse_steps(struct step *steps, char *text)
{
	size_t count = 0;
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line && count < STEPS_MAX;
		line = strtok_r(NULL, "\n", &save)) {
		char *tab = strchr(line, '\t');
		struct step *s = &steps[count];

		if (!tab || sscanf(tab, "\t%llu\t%llu", &s->start_us, &s->end_us) != 2 ||
			s->end_us < s->start_us)
			continue;
		*tab = '\0';
		s->name = line;
		count++;
	}
	return count;
}

static void say_steps(struct hpld *h)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	struct step steps[STEPS_MAX];
	size_t count;

	if (hpl_file_read(&text, h->steps_path, STEPS_BYTES, NULL) < 0 || !text.data)
		return;
	count = parse_steps(steps, text.data);
	qsort(steps, count, sizeof(*steps), by_start);
	hpld_log(h, HPL_SEV_INFO, HPL_MSG_NONE, "step %-36s %10s %12s", "name", "start_s", "duration_s");
	for (size_t i = 0; i < count; i++)
		hpld_log(h, HPL_SEV_INFO, HPL_MSG_NONE, "step %-36s %10.3f %12.3f", steps[i].name,
			(double)steps[i].start_us / 1e6,
			(double)(steps[i].end_us - steps[i].start_us) / 1e6);
}

/* Proportional set size in KiB; 0: not known. */
static unsigned long pss_kb(long pid)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	unsigned long kb = 0;
	const char *at;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/smaps_rollup", pid);
	if (hpl_file_read(&text, path, 16384, NULL) < 0 || !text.data)
		return 0;
	at = strstr(text.data, "\nPss:");
	if (at)
		sscanf(at, "\nPss: %lu", &kb);
	return kb;
}

/* Processor time of the process, and of its children that have ended, in seconds. */
static double cpu_s(long pid, double *ret_children)
{
	_cleanup_buf_ struct hpl_buf text = HPL_BUF_NULL;
	unsigned long own[2] = {0}, children[2] = {0};
	const char *at;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	*ret_children = 0;
	if (hpl_file_read(&text, path, 4096, NULL) < 0 || !text.data)
		return 0;
	at = strrchr(text.data, ')'); /* the name may hold anything */
	/* proc(5): utime, stime, cutime, cstime are fields 14 to 17; 3 is behind the name */
	if (at)
		sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu", &own[0],
			&own[1], &children[0], &children[1]);
	*ret_children = (double)(children[0] + children[1]) / (double)sysconf(_SC_CLK_TCK);
	return (double)(own[0] + own[1]) / (double)sysconf(_SC_CLK_TCK);
}

static unsigned long say_process(struct hpld *h, const char *name, long pid)
{
	unsigned long kb = pss_kb(pid);
	double children, own = cpu_s(pid, &children);

	hpld_log(h, HPL_SEV_INFO, HPL_MSG_NONE,
		"memory %-20s %8lu KiB PSS %8.2f s CPU %8.2f s CPU of ended children", name, kb, own,
		children);
	return kb;
}

static void say_memory(struct hpld *h)
{
	unsigned long sum = say_process(h, "hpld", (long)getpid());

	for (size_t i = 0; i < h->unit_count; i++)
		if (hpl_unit_runs(&h->units[i]))
			sum += say_process(h, h->units[i].m->name, (long)h->units[i].pid);
	hpld_log(h, HPL_SEV_INFO, HPL_MSG_NONE, "memory %-20s %8lu KiB PSS", "all", sum);
}

void hpld_say_tables(struct hpld *h)
{
	say_steps(h);
	say_memory(h);
}
