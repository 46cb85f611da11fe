/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian builds libzmq with transports and a mechanism this project never names: pgm:// and epgm://
 * (libpgm), norm:// (libnorm) and GSSAPI (Kerberos). Linked statically, libzmq still refers to
 * their functions. Their libraries, with what those need in turn, are 14 of the 23 shared
 * libraries that every service would load at its start, so they are left out and the names
 * are defined here.
 *
 * None can be reached: libzmq calls pgm_* and Norm* for an endpoint of that scheme only, and every
 * endpoint of ours is a Unix socket (bus/socket.c); it calls gss_* for sockets whose mechanism is
 * GSSAPI only, and every socket of ours is CURVE (a peer that offers another mechanism is refused
 * by name before any of its code runs). Should one be reached all the same, the process says
 * which and aborts; hpld then reports the death of the service.
 *
 * Two are called whenever a context is made or ended, whatever it is used for: pgm_init and
 * pgm_shutdown. They say that they succeeded.
 *
 * The list is what `nm -u libzmq.a` shows of these three libraries; the configuration tries whether it
 * is complete for the libzmq.a at hand, and otherwise takes the shared libzmq. Only names are
 * defined, with a type of our own: nothing here is taken from the libraries' headers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn static void reached(const char *name)
{
	fprintf(stderr, "libzmq called %s: this program was linked without that transport\n", name);
	abort();
}

#define UNUSED(name) \
	_Noreturn void name(void); \
	void name(void) \
	{ \
		reached(#name); \
	}

/* GSSAPI: the mechanism's names of name types are data, read after it was configured */
extern const void *const GSS_C_NT_HOSTBASED_SERVICE;
extern const void *const GSS_C_NT_USER_NAME;
const void *const GSS_C_NT_HOSTBASED_SERVICE = NULL;
const void *const GSS_C_NT_USER_NAME = NULL;
UNUSED(gss_accept_sec_context)
UNUSED(gss_acquire_cred)
UNUSED(gss_delete_sec_context)
UNUSED(gss_display_name)
UNUSED(gss_import_name)
UNUSED(gss_init_sec_context)
UNUSED(gss_release_buffer)
UNUSED(gss_release_cred)
UNUSED(gss_release_name)
UNUSED(gss_unwrap)
UNUSED(gss_wrap)

/* NORM: the values that mean "none" are data, read by an engine of that scheme */
extern const void *const NORM_INSTANCE_INVALID, *const NORM_SESSION_INVALID;
extern const void *const NORM_OBJECT_INVALID;
extern const unsigned int NORM_NODE_ANY;
const void *const NORM_INSTANCE_INVALID = NULL;
const void *const NORM_SESSION_INVALID = NULL;
const void *const NORM_OBJECT_INVALID = NULL;
const unsigned int NORM_NODE_ANY = 0xffffffff;
UNUSED(NormCreateInstance)
UNUSED(NormCreateSession)
UNUSED(NormDestroyInstance)
UNUSED(NormDestroySession)
UNUSED(NormGetDescriptor)
UNUSED(NormGetNextEvent)
UNUSED(NormGetRandomSessionId)
UNUSED(NormIsUnicastAddress)
UNUSED(NormNodeDelete)
UNUSED(NormObjectGetType)
UNUSED(NormObjectGetUserData)
UNUSED(NormObjectSetUserData)
UNUSED(NormSetCongestionControl)
UNUSED(NormSetDefaultSyncPolicy)
UNUSED(NormSetDefaultUnicastNack)
UNUSED(NormSetLoopback)
UNUSED(NormSetMulticastInterface)
UNUSED(NormSetRxPortReuse)
UNUSED(NormSetTTL)
UNUSED(NormStartReceiver)
UNUSED(NormStartSender)
UNUSED(NormStopInstance)
UNUSED(NormStopReceiver)
UNUSED(NormStopSender)
UNUSED(NormStreamFlush)
UNUSED(NormStreamOpen)
UNUSED(NormStreamRead)
UNUSED(NormStreamSeekMsgStart)
UNUSED(NormStreamWrite)

/* PGM */
UNUSED(pgm_bind3)
UNUSED(pgm_close)
UNUSED(pgm_connect)
UNUSED(pgm_error_free)
UNUSED(pgm_free)
UNUSED(pgm_freeaddrinfo)
UNUSED(pgm_getaddrinfo)
UNUSED(pgm_getsockopt)
UNUSED(pgm_gsi_create_from_data)
UNUSED(pgm_recvmsgv)
UNUSED(pgm_send)
UNUSED(pgm_setsockopt)
UNUSED(pgm_socket)

int pgm_init(void *error);
int pgm_shutdown(void);
size_t strlcpy(char *dst, const char *src, size_t size);

int pgm_init(void *error)
{
	(void)error;
	return 1;
}

int pgm_shutdown(void)
{
	return 1;
}

/*
 * The one function that libzmq takes of libbsd, for the path of an ipc:// address. Not from libbsd.a, whose
 * getentropy would come along in the place of libc's; weak, because newer ones of libc have it.
 */
__attribute__((weak)) size_t strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = len < size ? len : size - 1;

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}
