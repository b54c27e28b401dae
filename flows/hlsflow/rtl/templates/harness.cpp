// Drives the AXI4-Stream ports of a design with frames and writes down what comes out, cycle by cycle.
//
// harness <inputs> <outputs> <frames> <input beats> <output beats> <input bytes> <output bytes>
//         <gap %> <stall %> <apart: 0 or 1> <seed> <limit of cycles without a beat>
//
// inputs, outputs: TDATA of every beat, little-endian, one after the other. A gap is a cycle in which the source
// offers nothing, a stall one in which the sink takes nothing. Apart: a frame starts after the one before has left.
// A line of JSON on standard output, after what was said of the progress; exit code 3 where the design breaks the protocol or stands still.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "Vdesign.h"
#include "verilated.h"

static std::vector<uint8_t> read_file(const char *path, size_t size) {
    std::vector<uint8_t> bytes(size);
    FILE *file = std::fopen(path, "rb");
    if (!file || std::fread(bytes.data(), 1, size, file) != size) {
        std::fprintf(stderr, "cannot read %zu bytes of %s\n", size, path);
        std::exit(2);
    }
    std::fclose(file);
    return bytes;
}

static void broken(const char *what, uint64_t cycle, size_t beat) {
    std::fprintf(stderr, "%s (cycle %llu, output beat %zu)\n", what, (unsigned long long)cycle, beat);
    std::exit(3);
}

// xorshift64*: the same numbers on every machine
static uint64_t state;
static unsigned percent() {
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return (unsigned)(((state * 2685821657736338717ull) >> 33) % 100);
}

int main(int argc, char **argv) {
    if (argc != 13) return 2;
    const size_t frames = std::atoll(argv[3]), in_beats = std::atoll(argv[4]), out_beats = std::atoll(argv[5]);
    const size_t in_bytes = std::atoll(argv[6]), out_bytes = std::atoll(argv[7]);
    const unsigned gap = std::atoi(argv[8]), stall = std::atoi(argv[9]);
    const bool apart = std::atoi(argv[10]);
    state = 0x9e3779b97f4a7c15ull ^ (uint64_t)std::atoll(argv[11]);
    const uint64_t patience = std::atoll(argv[12]);

    const std::vector<uint8_t> inputs = read_file(argv[1], frames * in_beats * in_bytes);
    std::vector<uint8_t> outputs(frames * out_beats * out_bytes), held(out_bytes);
    std::vector<uint64_t> started(frames), ended(frames);

    VerilatedContext context;
    Vdesign design(&context);
    uint64_t cycle = 0, last_beat = 0;
    auto clock = [&] { design.aclk = 1, design.eval(), design.aclk = 0, design.eval(), ++cycle; };

    design.aclk = 0, design.aresetn = 0, design.s_axis_tvalid = 0, design.m_axis_tready = 0;
    design.eval();
    for (int i = 0; i < 4; ++i) clock();
    design.aresetn = 1;

    size_t sent = 0, got = 0;
    bool offered = false, waited = false;
    const size_t in_total = frames * in_beats, out_total = frames * out_beats;
    while (got < out_total) {
        // Once offered, a beat stays until it is taken.
        const bool hold_back = apart && sent % in_beats == 0 && sent / in_beats != got / out_beats;
        if (!offered) offered = sent < in_total && !hold_back && percent() >= gap;
        design.s_axis_tvalid = offered;
        if (offered) {
            std::memcpy(&design.s_axis_tdata, &inputs[sent * in_bytes], in_bytes);
            design.s_axis_tlast = sent % in_beats == in_beats - 1;
        }
        design.m_axis_tready = percent() >= stall;
        design.eval();

        if (waited && !design.m_axis_tvalid) broken("TVALID fell before TREADY", cycle, got);
        if (waited && std::memcmp(held.data(), &design.m_axis_tdata, out_bytes)) broken("TDATA changed", cycle, got);
        const bool in_taken = offered && design.s_axis_tready;
        const bool out_taken = design.m_axis_tvalid && design.m_axis_tready;
        waited = design.m_axis_tvalid && !design.m_axis_tready;
        if (waited) std::memcpy(held.data(), &design.m_axis_tdata, out_bytes);
        if (out_taken) {
            std::memcpy(&outputs[got * out_bytes], &design.m_axis_tdata, out_bytes);
            if (design.m_axis_tlast != (got % out_beats == out_beats - 1)) broken("TLAST is wrong", cycle, got);
            if (got % out_beats == out_beats - 1) ended[got / out_beats] = cycle;
            ++got;
            if (got % (500 * out_beats) == 0) std::fprintf(stderr, "frame %zu\n", got / out_beats);
        }
        if (in_taken) {
            if (sent % in_beats == 0) started[sent / in_beats] = cycle;
            ++sent;
            offered = false;
        }
        if (in_taken || out_taken) last_beat = cycle;
        if (cycle - last_beat > patience) broken("nothing moves any more", cycle, got);
        clock();
    }
    if (design.frame_error) broken("frame_error is set", cycle, got);
    design.final();

    FILE *file = std::fopen(argv[2], "wb");
    if (!file || std::fwrite(outputs.data(), 1, outputs.size(), file) != outputs.size() || std::fclose(file)) {
        std::fprintf(stderr, "cannot write %s\n", argv[2]);
        return 2;
    }
    uint64_t latency_min = ~0ull, latency_max = 0, interval_min = ~0ull, interval_max = 0;
    for (size_t i = 0; i < frames; ++i) {
        latency_min = std::min(latency_min, ended[i] - started[i] + 1);
        latency_max = std::max(latency_max, ended[i] - started[i] + 1);
        if (i) interval_min = std::min(interval_min, started[i] - started[i - 1]);
        if (i) interval_max = std::max(interval_max, started[i] - started[i - 1]);
    }
    if (frames < 2) interval_min = 0;
    std::printf(
        "{\"frames\": %zu, \"cycles\": %llu, \"latency_min\": %llu, \"latency_max\": %llu, \"interval_min\": %llu, "
        "\"interval_max\": %llu}\n",
        frames, (unsigned long long)cycle, (unsigned long long)latency_min, (unsigned long long)latency_max,
        (unsigned long long)interval_min, (unsigned long long)interval_max
    );
    return 0;
}
