// SPDX-License-Identifier: BSD-3-Clause
#ifndef CONTROL_SD_NOTIFY_H
#define CONTROL_SD_NOTIFY_H

// Tell the service manager, if there is one ($NOTIFY_SOCKET): "READY=1", "STOPPING=1" ... see
// sd_notify(3). Failing to tell is not an error of ours.
void sd_notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
