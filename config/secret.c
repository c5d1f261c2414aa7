// SPDX-License-Identifier: BSD-3-Clause
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_SIZE_MAX 4096

// Whether systemd put the file there for this process alone. It grants access by an ACL, which
// shows as permissions of the group.
static bool is_credential(const char *path)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	size_t len = directory != NULL ? strlen(directory) : 0;

	return len > 0 && strncmp(path, directory, len) == 0 && path[len] == '/';
}

static const char *find_fault(const char *path, const struct stat *st)
{
	mode_t forbidden = is_credential(path) ? 0137 : 0177;

	if (!S_ISREG(st->st_mode))
		return "is not a regular file";
	if ((st->st_mode & forbidden) != 0)
		return "may be read or changed by others, allowed: mode 0600 or stricter";
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return "belongs to another user, allowed: root or the user that runs sipshunt";
	if (st->st_size > SECRET_SIZE_MAX)
		return "is too large, allowed: 4096 octets";
	return NULL;
}

// Read the whole file into buf[SECRET_SIZE_MAX]. Returns its length or -EINVAL.
static ssize_t read_secret(const char *path, char *buf, struct strbuf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const char *fault;
	struct stat st;
	ssize_t len;

	if (fd < 0 || fstat(fd, &st) < 0) {
		strbuf_printf(why, "%s cannot be read: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -EINVAL;
	}
	fault = find_fault(path, &st);
	len = fault == NULL ? read(fd, buf, SECRET_SIZE_MAX) : 0;
	if (len < 0)
		fault = strerror(errno);
	close(fd);
	if (fault != NULL) {
		strbuf_printf(why, "%s %s", path, fault);
		return -EINVAL;
	}
	return len;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int secret_read_key(const char *path, uint8_t key[CONFIG_KEY_SIZE], struct strbuf *why)
{
	char buf[SECRET_SIZE_MAX];
	ssize_t len = read_secret(path, buf, why);
	bool valid = true;

	if (len < 0)
		return -EINVAL;
	if (len > 0 && buf[len - 1] == '\n')
		len--;
	valid = len == 2 * CONFIG_KEY_SIZE;
	for (size_t i = 0; valid && i < CONFIG_KEY_SIZE; i++) {
		int high = hex_digit(buf[2 * i]), low = hex_digit(buf[2 * i + 1]);

		valid = high >= 0 && low >= 0;
		key[i] = valid ? (uint8_t)(high << 4 | low) : 0;
	}
	explicit_bzero(buf, sizeof(buf));
	if (!valid) {
		// Nothing of a secret goes into a message, not even of a wrong one.
		strbuf_printf(why, "%s does not hold a key, allowed: 32 hexadecimal digits", path);
		return -EINVAL;
	}
	return 0;
}

int secret_read_line(const char *path, char **line, struct strbuf *why)
{
	char buf[SECRET_SIZE_MAX + 1];
	ssize_t len = read_secret(path, buf, why);
	char *end;
	int ret = 0;

	if (len < 0)
		return -EINVAL;
	end = memchr(buf, '\n', (size_t)len);
	if (end != NULL)
		len = end - buf;
	if (len == 0 || memchr(buf, '\0', (size_t)len) != NULL) {
		strbuf_printf(why, "%s does not hold a password in its first line", path);
		ret = -EINVAL;
	} else {
		buf[len] = '\0';
		*line = strdup(buf);
		ret = *line != NULL ? 0 : -ENOMEM;
	}
	explicit_bzero(buf, sizeof(buf));
	return ret;
}

void secret_free(char *line)
{
	if (line != NULL)
		explicit_bzero(line, strlen(line));
	free(line);
}
