// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include "base/alloc.h"
#include "base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int64_t timeval_ns(struct timeval tv)
{
    return (int64_t)tv.tv_sec * RILL_NS_PER_S + tv.tv_usec * RILL_NS_PER_US;
}

static int64_t cpu_used_ns(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime);
}

static uint64_t resident_bytes(void)
{
    unsigned long pages_total = 0;
    unsigned long pages_resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    if (fscanf(file, "%lu %lu", &pages_total, &pages_resident) != 2)
        pages_resident = 0;
    (void)fclose(file);
    return (uint64_t)pages_resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

void process_meter_init(struct process_meter *meter, struct rill_now now)
{
    *meter = (struct process_meter){.start_wall_ns = now.wall_ns, .sampled_mono_ns = now.mono_ns};
}

static void sample_cpu(struct process_meter *meter, struct rill_now now)
{
    const int64_t elapsed_ns = now.mono_ns - meter->sampled_mono_ns;
    if (elapsed_ns < RILL_NS_PER_S)
        return;
    const int64_t cpu_ns = cpu_used_ns();
    meter->cpu_percent = 100.0 * (double)(cpu_ns - meter->sampled_cpu_ns) / (double)elapsed_ns;
    meter->sampled_mono_ns = now.mono_ns;
    meter->sampled_cpu_ns = cpu_ns;
}

void process_meter_read(struct process_meter *meter, struct rill_now now, struct rill_process_facts *facts)
{
    sample_cpu(meter, now);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    facts->start_wall_ns = meter->start_wall_ns;
    facts->resident_bytes = resident_bytes();
    facts->cpu_percent = meter->cpu_percent;
    facts->cores = cores > 0 ? (uint32_t)cores : 1;
}

uint64_t process_raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
}

static void random_bytes(void *out, size_t len)
{
    const ssize_t got = getrandom(out, len, 0); // up to 256 bytes always come whole
    RILL_ASSERT(got == (ssize_t)len);
}

int64_t process_free_bytes(const char *folder)
{
    struct statvfs disk;
    return statvfs(folder, &disk) == 0 ? (int64_t)disk.f_bavail * (int64_t)disk.f_frsize : 0;
}

int64_t process_machine_memory_bytes(void)
{
    const long pages = sysconf(_SC_PHYS_PAGES);
    return pages > 0 ? (int64_t)pages * sysconf(_SC_PAGESIZE) : 0;
}

void process_make_server_id(char ret_id[57])
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint8_t bytes[55];
    random_bytes(bytes, sizeof bytes);
    ret_id[0] = 'N';
    for (size_t i = 0; i < sizeof bytes; i++)
        ret_id[i + 1] = letters[bytes[i] % 32];
    ret_id[56] = '\0';
}

uint64_t process_random_seed(void)
{
    uint64_t seed;
    random_bytes(&seed, sizeof seed);
    return seed;
}

enum rill_err process_make_folder(const char *path, struct rill_error_text *why)
{
    char *partial = rill_alloc_cstr(rill_bytes_from_cstr(path));
    for (char *slash = strchr(partial + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(partial, 0750); // what matters is whether the whole is there in the end
        *slash = '/';
    }
    const bool made = mkdir(partial, 0750) == 0 || errno == EEXIST;
    free(partial);
    if (made && access(path, R_OK | W_OK | X_OK) == 0)
        return RILL_OK;
    const int code = errno;
    rill_error_text_set(why, "folder %s: %s", path, strerror(code));
    return rill_err_from_errno(code);
}

enum rill_err process_write_pid_file(const char *path, struct rill_error_text *why)
{
    FILE *file = fopen(path, "we");
    const int code = errno;
    const bool written = file && fprintf(file, "%d\n", (int)getpid()) > 0;
    if (file && fclose(file) == 0 && written)
        return RILL_OK;
    rill_error_text_set(why, "pid file %s: %s", path, file ? "cannot be written" : strerror(code));
    return file ? RILL_ERR_IO : rill_err_from_errno(code);
}
