/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/base/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

int hpl_caps_drop(struct hpl_err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {0};

	if (syscall(SYS_capset, &head, none) < 0)
		return HPL_FAIL(err, 0, errno, "cannot give up capabilities");
	return 0;
}
