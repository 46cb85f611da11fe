/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hpl-podman: the podman that podman-compose is given.
 *
 * podman-compose prints each command with the values of the containers' environment to the same
 * standard output that podman writes to. For the commands whose output nobody parses this program
 * moves podman's output to standard error, so that the container service can log the one and not
 * the other. It changes nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_shown(const char *command)
{
	static const char *const shown[] = {"run", "start", "create", "pull", "restart"};

	for (size_t i = 0; command && i < sizeof(shown) / sizeof(shown[0]); i++)
		if (strcmp(shown[i], command) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	const char *podman = getenv("HPL_PODMAN");

	if (!podman || podman[0] != '/')
		podman = "/usr/bin/podman";
	if (argc < 1 || (is_shown(argv[1]) && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
		return 125;
	execv(podman, argv);
	perror(podman);
	return 125;
}
