/*
 * A disk that can be told to fail, and to remember what it has really got. Loaded with LD_PRELOAD.
 *
 * PRIVVAL_FAULTS=DIR    while DIR holds a file OP:NAME (sync:floor.db-wal, write:floor.db,
 *                       open:floor.db), that operation on files of that name fails with the errno in it.
 *                       `open` fails for writing only, as on a read-only file system.
 * PRIVVAL_SHADOW=DIR    after each sync of floor.db or floor.db-wal that has succeeded, DIR/NAME is a
 *                       copy of the file: what a power cut would leave.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* The name of the file behind a descriptor; empty when it is none of the home's. */
static void name_of(int fd, char *name, size_t size) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  name[0] = 0;
  if (length <= 0) return;
  path[length] = 0;
  if (strncmp(base_name(path), "floor.", 6) == 0) snprintf(name, size, "%s", base_name(path));
}

static int open_file(const char *path, int flags, mode_t mode) {
  static int (*next)(const char *, int, ...);
  if (!next) next = dlsym(RTLD_NEXT, "open64");
  return next(path, flags, mode);
}

/* The errno an operation on a file is to fail with; 0: none. */
static int fault(const char *operation, const char *name) {
  const char *faults = getenv("PRIVVAL_FAULTS");
  if (!faults || !name[0]) return 0;
  char path[4096], text[16] = {0};
  snprintf(path, sizeof path, "%s/%s:%s", faults, operation, name);
  int fd = open_file(path, O_RDONLY, 0);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  return length > 0 ? atoi(text) : EIO;
}

/* Written under another name first: the process may be killed at any moment. */
static void shadow(int fd, const char *name) {
  const char *directory = getenv("PRIVVAL_SHADOW");
  if (!directory || (strcmp(name, "floor.db") && strcmp(name, "floor.db-wal"))) return;
  char source[64], temporary[4096], path[4096];
  struct stat found;
  snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
  snprintf(temporary, sizeof temporary, "%s/.%s", directory, name);
  snprintf(path, sizeof path, "%s/%s", directory, name);
  /* Not by a second descriptor of the file: closing it would drop the process's lock (S13). */
  if (fstat(fd, &found)) return;
  int out = open_file(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (out < 0) return;
  off_t offset = 0;
  while (offset < found.st_size) {
    if (sendfile(out, fd, &offset, found.st_size - offset) <= 0) break;
  }
  close(out);
  rename(temporary, path);
}

static int sync_file(const char *function, int fd) {
  int (*next)(int) = dlsym(RTLD_NEXT, function);
  char name[256];
  name_of(fd, name, sizeof name);
  int error = fault("sync", name);
  if (error) {
    errno = error;
    return -1;
  }
  int result = next(fd);
  if (result == 0) shadow(fd, name);
  return result;
}

int fsync(int fd) { return sync_file("fsync", fd); }
int fdatasync(int fd) { return sync_file("fdatasync", fd); }

static ssize_t write_at(int fd, const void *bytes, size_t size, off64_t offset) {
  static ssize_t (*next)(int, const void *, size_t, off64_t);
  if (!next) next = dlsym(RTLD_NEXT, "pwrite64");
  char name[256];
  name_of(fd, name, sizeof name);
  int error = fault("write", name);
  if (error) {
    errno = error;
    return -1;
  }
  return next(fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  return write_at(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  return write_at(fd, bytes, size, offset);
}

static int open_checked(const char *path, int flags, mode_t mode) {
  if ((flags & O_ACCMODE) != O_RDONLY) {
    const char *name = base_name(path);
    int error = strncmp(name, "floor.", 6) ? 0 : fault("open", name);
    if (error) {
      errno = error;
      return -1;
    }
  }
  return open_file(path, flags, mode);
}

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_checked(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return open_checked(path, flags, mode);
}
