/*
 * Preloaded into a program, sets its time of day: CLOCK_REALTIME plus the nanoseconds (int64) in the file that
 * CLOCK_SHIFT_FILE names, which a test changes while the program runs.
 *
 * Monotonic clocks and sleeps are not affected. Waits until a time of day end as they do when the real clock is set:
 * a wait is cut into slices, each of which takes the present shift into account. pthread_cond_timedwait may wake
 * up spuriously after a slice, which is therefore long.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL
#define NEXT(function) ((__typeof__(&function))dlsym(RTLD_NEXT, #function))

static const volatile int64_t *shift_ns;

__attribute__((constructor)) static void open_shift(void) {
    const char *path = getenv("CLOCK_SHIFT_FILE");
    int descriptor = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0) return;
    void *memory = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, descriptor, 0);
    if (memory != MAP_FAILED) shift_ns = memory;
    close(descriptor);
}

static int64_t in_ns(const struct timespec *moment) { return moment->tv_sec * SECOND + moment->tv_nsec; }

static struct timespec of_ns(int64_t ns) { return (struct timespec){ns / SECOND, ns % SECOND}; }

static int64_t shift(void) { return shift_ns ? *shift_ns : 0; }

static int64_t unshifted_ns(void) {
    struct timespec now;
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return in_ns(&now);
}

int clock_gettime(clockid_t clock, struct timespec *moment) {
    int failed = (int)syscall(SYS_clock_gettime, clock, moment);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) *moment = of_ns(in_ns(moment) + shift());
    return failed;
}

int gettimeofday(struct timeval *restrict moment, void *restrict zone) {
    (void)zone;
    int64_t us = (unshifted_ns() + shift()) / 1000;
    *moment = (struct timeval){us / 1000000, us % 1000000};
    return 0;
}

time_t time(time_t *seconds) {
    time_t now = (unshifted_ns() + shift()) / SECOND;
    if (seconds) *seconds = now;
    return now;
}

/* The unshifted time at which a wait until `end` is over, or its next slice; whether it is a slice. */
static int next_slice(const struct timespec *end, int64_t slice_ns, struct timespec *until) {
    int64_t end_ns = in_ns(end) - shift(), slice_end_ns = unshifted_ns() + slice_ns;
    int is_slice = slice_end_ns < end_ns;
    *until = of_ns(is_slice ? slice_end_ns : end_ns);
    return is_slice;
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict end) {
    for (;;) {
        struct timespec until;
        int is_slice = next_slice(end, SECOND / 100, &until);
        int failed = NEXT(sem_timedwait)(semaphore, &until);
        if (!failed || errno != ETIMEDOUT || !is_slice) return failed;
    }
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict end) {
    struct timespec until;
    if (end->tv_sec < SECOND) return NEXT(pthread_cond_timedwait)(condition, mutex, end); /* a monotonic clock */
    int is_slice = next_slice(end, SECOND, &until);
    int error = NEXT(pthread_cond_timedwait)(condition, mutex, &until);
    return error == ETIMEDOUT && is_slice ? 0 : error;
}
