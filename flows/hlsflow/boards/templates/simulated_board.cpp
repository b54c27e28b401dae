// A board's whole design behind a pseudo-terminal: bits on its serial line, bytes at the terminal. Faults on demand.
//
// simulated_board <cycles a bit> <reset is active low: 0 or 1> <flips> <drops> <bytes between resets> <seed>
//
// flips, drops: of a million bits or bytes on the line, both ways, so many are flipped or lost. Bytes between resets:
// of the host's, 0 for none. The first line on standard output is the terminal's path. It ends when standard input
// does, with a line of JSON: cycles of the clock, bytes, faults. An exchange is what passes from the first bit of the
// host to the last bit of the board before the host sends again.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "Vdesign.h"
#include "verilated.h"

// xorshift64*: the same numbers on every machine
static uint64_t state;
static bool happens(unsigned of_a_million) {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return ((state * 2685821657736338717ull) >> 33) % 1000000 < of_a_million;
}

static int failed(const char *what) {
    std::perror(what);
    return 2;
}

int main(int argc, char **argv) {
    if (argc != 7) return 2;
    const unsigned cycles_per_bit = std::atoi(argv[1]);
    const bool active_low = std::atoi(argv[2]);
    const unsigned flips = std::atoi(argv[3]), drops = std::atoi(argv[4]), reset_every = std::atoi(argv[5]);
    state = 0x9e3779b97f4a7c15ull ^ (uint64_t)std::atoll(argv[6]);

    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 || grantpt(terminal) || unlockpt(terminal)) return failed("no pseudo-terminal");
    // Held open here too: the terminal stays while no host has it open.
    const int held = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    termios raw;
    if (held < 0 || tcgetattr(held, &raw)) return failed("no pseudo-terminal");
    cfmakeraw(&raw);
    if (tcsetattr(held, TCSANOW, &raw)) return failed("no pseudo-terminal");
    fcntl(terminal, F_SETFL, O_NONBLOCK);
    VerilatedContext context;
    Vdesign design(&context);
    design.clk = 0, design.rx = 1, design.reset = active_low;
    design.eval();
    // A board is out of its reset long before a host finds it.
    for (int i = 0; i < 2048; ++i) design.clk = 1, design.eval(), design.clk = 0, design.eval();
    std::printf("%s\n", ptsname(terminal));
    std::fflush(stdout);

    std::deque<uint8_t> from_host;
    uint64_t cycle = 0, host_bytes = 0, board_bytes = 0, flipped = 0, dropped = 0, resets = 0;
    uint64_t first_cycle = 0, last_cycle = 0, started = 0, answered = 0, busy_until = 0;
    uint64_t exchanges = 0, shortest = ~0ull, longest = 0, in_exchanges = 0;
    unsigned sending = 0, send_bits = 0, send_count = 0, reset_left = 0, since_reset = 0;
    int receiving = -1;
    unsigned receive_count = 0, received = 0;
    // Longer than any network takes for the frames that a board holds.
    const uint64_t patience = 1000000;
    pollfd watched[2] = {{STDIN_FILENO, POLLIN, 0}, {terminal, POLLIN, 0}};

    auto end_exchange = [&] {
        if (!answered) return;
        ++exchanges, in_exchanges += answered - started;
        if (answered - started < shortest) shortest = answered - started;
        if (answered - started > longest) longest = answered - started;
        answered = 0, started = 0;
    };

    for (;;) {
        // Nothing on the line for a while: the design waits, and so do we. Else a look at the host now and then.
        const bool idle = !sending && from_host.empty() && receiving < 0 && !reset_left && cycle > busy_until;
        if (idle || cycle % 1024 == 0) {
            if (poll(watched, 2, idle ? 100 : 0) > 0) {
                char ignored[64];
                if (watched[0].revents && read(STDIN_FILENO, ignored, sizeof ignored) <= 0) break;
                if (watched[1].revents & POLLIN) {
                    uint8_t buffer[4096];
                    const ssize_t count = read(terminal, buffer, sizeof buffer);
                    if (count > 0) from_host.insert(from_host.end(), buffer, buffer + count);
                }
            }
            if (idle && from_host.empty()) continue;
        }

        // The host's bit.
        if (!sending && !from_host.empty()) {
            const uint8_t byte = from_host.front();
            from_host.pop_front();
            ++host_bytes, ++since_reset;
            end_exchange();
            if (!first_cycle) first_cycle = cycle;
            if (!started) started = cycle;
            if (reset_every && since_reset >= reset_every) since_reset = 0, reset_left = 8, ++resets;
            if (happens(drops)) {
                ++dropped;
            } else {
                sending = 10, send_count = 0;
                send_bits = (1u << 9) | ((unsigned)byte << 1);
                for (unsigned bit = 0; bit < 10; ++bit)
                    if (happens(flips)) send_bits ^= 1u << bit, ++flipped;
            }
        }
        if (sending) {
            design.rx = send_bits & 1;
            if (++send_count == cycles_per_bit) send_count = 0, send_bits >>= 1, --sending;
            busy_until = cycle + patience;
        } else {
            design.rx = 1;
        }
        design.reset = active_low != (reset_left > 0);
        if (reset_left && !--reset_left) busy_until = cycle + 4096;

        design.clk = 1, design.eval(), design.clk = 0, design.eval(), ++cycle;

        // The board's bit, in its middle.
        if (receiving < 0) {
            if (!design.tx) receiving = 0, receive_count = cycles_per_bit / 2, received = 0;
        } else if (--receive_count == 0) {
            receive_count = cycles_per_bit;
            if (receiving >= 1 && receiving <= 8) {
                bool level = design.tx;
                if (happens(flips)) level = !level, ++flipped;
                received |= (unsigned)level << (receiving - 1);
            }
            if (++receiving == 10) {
                receiving = -1;
                ++board_bytes;
                last_cycle = answered = cycle;
                const uint8_t byte = received;
                // A byte without its stop bit is none: the board was reset in the middle of it.
                if (!design.tx || happens(drops)) ++dropped;
                else if (write(terminal, &byte, 1) != 1 && errno != EAGAIN) return failed("cannot write to the host");
            }
        }
        if (receiving >= 0) busy_until = cycle + patience;
    }
    end_exchange();
    design.final();
    std::printf(
        "{\"cycles\": %llu, \"host_bytes\": %llu, \"board_bytes\": %llu, \"flipped\": %llu, \"dropped\": %llu, "
        "\"resets\": %llu, \"line_cycles\": %llu, \"exchanges\": %llu, \"shortest\": %llu, \"longest\": %llu, "
        "\"in_exchanges\": %llu}\n",
        (unsigned long long)cycle, (unsigned long long)host_bytes, (unsigned long long)board_bytes,
        (unsigned long long)flipped, (unsigned long long)dropped, (unsigned long long)resets,
        (unsigned long long)(last_cycle > first_cycle ? last_cycle - first_cycle : 0), (unsigned long long)exchanges,
        (unsigned long long)(exchanges ? shortest : 0), (unsigned long long)longest,
        (unsigned long long)in_exchanges
    );
    return 0;
}
