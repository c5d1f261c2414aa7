// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_RUN_H
#define CONTROL_RUN_H

// `sipshunt run`: both processes in the foreground, for a first try, a lab or a container.

struct run_options {
	const char *config_path;
	const char *dataplane; // path of sipshunt-dataplane; NULL: found (see below)
	const char *control; // path of sipshunt-control; NULL: found
};

// Start sipshunt-dataplane and sipshunt-control and stay until they are done or SIGINT or SIGTERM
// comes, which ends both. Logs are on stderr; "ready" appears on stdout once packets can flow.
// SIGHUP is passed on to control (reload).
//
// The dataplane dies: control is ended, and the reason is printed. Control dies: it is started
// again, after a pause that grows, and packets flow meanwhile; but a control process that refuses
// the configuration at the start ends all. This process dies: so do both.
//
// Programs are looked for beside this one, in ../libexec/sipshunt, in the build tree's places, then
// in $PATH. Returns the exit status: 0 after a signal, 1 for what went wrong.
int run_main(const struct run_options *options);

#endif
