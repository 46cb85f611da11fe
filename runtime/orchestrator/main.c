/* SPDX-License-Identifier: Apache-2.0 */
/* hpld: the orchestrator. As process 1 it has no arguments and takes the paths of the guest. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "runtime/base/syslog.h"
#include "runtime/launcher/sandbox.h"
#include "runtime/orchestrator/hpld.h"

enum { SETS_MAX = 64 };

static const struct option long_options[] = {
	{"profile", required_argument, NULL, 'p'}, {"manifests", required_argument, NULL, 'm'},
	{"libexec", required_argument, NULL, 'l'}, {"run", required_argument, NULL, 'r'},
	{"settings", required_argument, NULL, 's'}, {"journal", required_argument, NULL, 'j'},
	{"console", required_argument, NULL, 'c'}, {"log-socket", required_argument, NULL, 'L'},
	{"set", required_argument, NULL, 'S'}, {"help", no_argument, NULL, 'h'}, {0},
};

static const char usage[] =
	"hpld [--profile NAME|FILE] [--manifests DIR] [--libexec DIR] [--run DIR] [--settings FILE]\n"
	"     [--journal FILE] [--console PATH] [--log-socket PATH] [--set service.key=value]...\n"
	"Starts the services of the profile and supervises them. Exit status 0: the boot was a success\n"
	"and was stopped; 1: a service failed or success was not reached; 2: wrong usage.\n";

/* 0 go on, 1 help was asked for, -1 wrong usage */
static int parse_arguments(struct hpld_options *o, const char **sets, int argc, char **argv)
{
	size_t count = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'p': o->profile = optarg; break;
		case 'm': o->manifests = optarg; break;
		case 'l': o->libexec = optarg; break;
		case 'r': o->run = optarg; break;
		case 's': o->settings = optarg; break;
		case 'j': o->journal = optarg; break;
		case 'c': o->console = optarg; break;
		case 'L': o->log_socket = optarg; break;
		case 'S':
			if (count == SETS_MAX)
				return -1;
			sets[count++] = optarg;
			break;
		case 'h': return 1;
		default: return -1;
		}
	}
	o->sets = sets;
	return optind == argc ? 0 : -1;
}

/* The numbers below are those that the launcher gets; nothing of ours may be there. */
static int reserve_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -1;
	} while (fd < HPL_LAUNCH_FIRST_FREE + 1);
	return fd;
}

static int run(struct hpld *h)
{
	struct hpl_err err = HPL_ERR_NULL;

	if (hpld_start(h, &err) < 0) {
		hpld_log(h, HPL_SEV_ERR, err.msg ? err.msg : HPL_MSG_ORCHESTRATOR_PROFILE, "%s%s%s",
			err.place, err.place[0] ? ": " : "", err.text);
		hpl_console_drain(&h->console, 500);
		return 1;
	}
	if (h->pid1)
		hpld_pid1_watch(h);
	uv_run(h->loop, UV_RUN_DEFAULT);
	return h->phase == HPLD_SUCCESS && !h->end_failure ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct hpld h;
	static const char *sets[SETS_MAX + 1];
	char journal[300], profile[128];
	struct hpl_err err = HPL_ERR_NULL;
	int rc;

	h.opt = (struct hpld_options){
		.profile = "/usr/share/hpl/profiles/hpvs.yaml", .manifests = "/usr/share/hpl/manifests",
		.libexec = "/usr/libexec/hpl", .run = "/run/hpl", .settings = "/etc/hpl/settings.yaml",
		.log_socket = HPL_SYSLOG_SOCKET};
	h.pid1 = getpid() == 1;
	h.root = geteuid() == 0;
	h.netns_fd = h.kmsg_fd = h.console.fd = h.sink.fd = -1;
	rc = parse_arguments(&h.opt, sets, argc, argv);
	if (rc) {
		fputs(usage, rc > 0 ? stdout : stderr);
		if (!h.pid1)
			return rc > 0 ? 0 : 2;
	}
	if (!strchr(h.opt.profile, '/')) { /* the bootloader knows the name only */
		snprintf(profile, sizeof(profile), "/usr/share/hpl/profiles/%s.yaml", h.opt.profile);
		h.opt.profile = profile;
	}
	if (!h.opt.journal) {
		snprintf(journal, sizeof(journal), "%s/journal", h.opt.run);
		h.opt.journal = journal;
	}
	/* libzmq's threads allocate little: no heap of its own for each of them */
	(void)mallopt(M_ARENA_MAX, 1);
	signal(SIGPIPE, SIG_IGN);
	umask(022);
	if (h.pid1 && hpld_pid1_setup(&h, &err) < 0) {
		fprintf(stderr, "hpld: %s\n", err.text);
		hpld_pid1_power_off(&h);
	}
	h.null_fd = reserve_descriptors();
	if (h.null_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
		fprintf(stderr, "hpld: %s\n", strerror(errno));
		return 1;
	}
	h.loop = uv_default_loop();
	rc = run(&h);
	if (h.pid1)
		hpld_pid1_power_off(&h);
	hpld_done(&h);
	return rc;
}
