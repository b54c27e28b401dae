"""A STAND-IN for AMD's tools, for tests alone: it synthesizes nothing, and every number that it writes is invented.

    stand_in.py NAME ARGUMENTS…          NAME: vitis-run, vitis_hls, vivado_hls, v++ or vivado

`STAND_IN_FAULTS` says how stages fail: `cosim=hang,vsynth=killed`. `STAND_IN_CALLS` names a file that gets a line for
each call.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

VERSION = "2099.1"
LUT, FF, DSP, BRAM = 1234, 567, 8, 9

# What a stage writes before it fails, and its exit code. Messages have the form of the real ones.
MESSAGES = {
    "licence": ("ERROR: [Common 17-345] A valid license was not found for feature 'Synthesis'.", 1),
    "licence-hls": ("ERROR: [HLS 200-72] License checkout unsuccessful. Make sure that a license is accessible.", 1),
    "part": ("ERROR: [HLS 200-1023] Part 'xc7z020clg400-1' is not installed.", 1),
    "part-vivado": ("ERROR: [Common 17-69] Command failed: Part 'xc7z020clg400-1' not found", 1),
    "partition": (
        "ERROR: [XFORM 203-103] Array 'mult.V' (firmware/nnet_utils/nnet_dense_latency.h:17): partitioned elements "
        "number (6912) has exeeded the threshold (4096), which may cause long run-time.\n"
        "ERROR: [HLS 200-70] Pre-synthesis failed.\ncommand 'ap_source' returned error code",
        1,
    ),
    "unroll": (
        "ERROR: [XFORM 203-504] Stop unrolling loop 'Loop-2' (firmware/nnet_utils/nnet_activation.h:246) in function "
        "'nnet::softmax<config5>' because it may cause large runtime and excessive memory usage\n"
        "ERROR: [HLS 200-70] Pre-synthesis failed.",
        1,
    ),
    "oom-line": (
        "/opt/Xilinx/Vivado/2020.1/bin/rdiArgs.sh: line 286:  6531 Killed                  \"$RDI_PROG\" \"$@\"\n"
        "ERROR: [COSIM 212-303] Aborting co-simulation: RTL simulation failed.\n"
        "ERROR: [COSIM 212-344] Rtl simulation failed.",
        1,
    ),
    "clang-killed": (
        "clang: error: unable to execute command: Killed\n"
        "ERROR: [HLS 200-1715] Encountered problem during source synthesis\nPre-synthesis failed.",
        1,
    ),
    "source": ("ERROR: [HLS 200-1715] Encountered problem during source synthesis", 1),
    "version": ("ERROR: [HLS 200-1459] Project is not compatible with vitis_hls, please use -upgrade or -reset", 1),
    "no-rtl": ("ERROR: Cannot find generated Verilog files. Did you run C synthesis?", 1),
    "no-project": ("ERROR: [Common 17-53] User Exception: No open project. Please create or open a project", 1),
    "header": ("firmware/myproject.cpp:1:10: fatal error: 'nnet_missing.h' file not found", 1),
    "compile": ("firmware/myproject.cpp:12:3: error: use of undeclared identifier 'nnet_x'", 1),
    "script": ("ERROR [AP-1] Could not read script 'build_prj.tcl'.", 1),
    "instrument": ("ERROR: [COSIM 212-346] Cannot determine C object for RTL port layer7_out_0_V.", 1),
    "bench": ("ERROR: [COSIM 212-360] Aborting co-simulation: C TB simulation failed.", 1),
    "deadlock": ("ERROR!!! DEADLOCK DETECTED at 1235000 ns! SIMULATION WILL BE STOPPED!", 1),
    "link": ("ERROR: [XSIM 43-3238] Failed to link the design.", 1),
    "libtinfo": ("couldn't load file \"librdi_commontasks.so\": libtinfo.so.5: cannot open shared object file", 1),
    "disk": ("ERROR: [Common 17-55] write error: No space left on device", 1),
    "java": ("java.lang.OutOfMemoryError: Java heap space", 1),
    "crash": ("Abnormal program termination (11)\nPlease check 'hs_err_pid4242.log' for details", 1),
    "export-date": (
        "bad lexical cast: source type value could not be interpreted as target\n"
        "ERROR: [IMPL 213-28] Failed to generate IP.",
        1,
    ),
    "no-vivado": ("couldn't execute \"vivado\": no such file or directory", 1),
    "capacity": ("ERROR: [Place 30-640] Place Check : This design requires more Slice LUTs cells than available", 1),
    "locale": ("terminate called: locale::facet::_S_create_c_locale name not valid", 134),
    "unheard-of": ("ERROR: [ZZZ 999-1] The moon is in the wrong house.", 1),
    "silent": ("", 0),
}  # fmt: skip


def main(name: str, argv: list[str]) -> int:
    if any(word in ("-version", "--version") for word in argv):
        if os.environ.get("STAND_IN_FAULTS") == "version=hang":
            time.sleep(600)
        print(f"{name} v{VERSION} (64-bit) STAND-IN")
        return 0
    calls = os.environ.get("STAND_IN_CALLS")
    stages = ["vsynth"] if name == "vivado" else asked(argv)
    if calls:
        with open(calls, "a") as file:
            file.write(f"{name} {','.join(stages)} {' '.join(argv)}\n")
    project = Tool(name)
    project.banner()
    for stage in stages:
        code = project.stage(stage)
        if code is not None:
            return code
    return 0


def asked(argv: list[str]) -> list[str]:
    """The stages that hls4ml's script would run, by its options, from the file or from the command line."""
    script = argv[argv.index("-f" if "-f" in argv else "--tcl") + 1]
    text = Path("build_opt.tcl").read_text() if "build_opt.tcl" in Path(script).read_text() else argv[-1]
    values = dict(re.findall(r"(\w+)(?:\s+|=)([01])\b", text))
    names = {"synth": "csynth", "cosim": "cosim", "export": "export", "vsynth": "vsynth"}
    return [stage for option, stage in names.items() if values.get(option) == "1"]


class Tool:
    """The tool in the current folder, which is a project of hls4ml."""

    def __init__(self, name: str) -> None:
        text = Path("project.tcl").read_text()
        value = dict(re.findall(r"set (\w+) \"?([^\"\n]+)\"?", text))
        self.name, self.top, self.part = name, value["project_name"], value["part"]
        self.clock = float(value["clock_period"])
        faults = os.environ.get("STAND_IN_FAULTS", "")
        self.faults = dict(word.split("=") for word in faults.split(",") if "=" in word)
        self.solution = Path(f"{self.top}_prj/solution1")
        self.log = Path("vivado.log" if name == "vivado" else "vitis_hls.log")
        self.log.write_text("")

    def say(self, text: str, stream=None) -> None:
        print(text, file=stream or sys.stdout, flush=True)
        with self.log.open("a") as file:
            file.write(text + "\n")

    def banner(self) -> None:
        shown = {"vivado": "Vivado", "vivado_hls": "Vivado(TM) HLS - High-Level Synthesis from C, C++ and SystemC"}
        title = shown.get(self.name, "Vitis HLS - High-Level Synthesis from C, C++ and OpenCL")
        self.say(f"\n****** {title} v{VERSION} (64-bit)\n  **** STAND-IN, no tool of AMD's\n")
        if self.name != "vivado":
            # Both are in the logs of real runs that end well.
            self.say("ERROR: [HLS 200-101] config_array_partition: Unknown option '-maximum_size'.", sys.stderr)
            self.say("ERROR: [HLS 200-101] config_array_partition: Unknown option '4096'.")
            self.say(f"INFO: [HLS 200-1611] Setting target device to '{self.part}'")

    def stage(self, stage: str) -> int | None:
        """Does a stage, or fails in it as it was told; an exit code ends the program."""
        fault = self.faults.get(stage, "")
        if stage == "csynth":
            self.say("***** C/RTL SYNTHESIS *****")
            self.say(f"INFO: [HLS 200-42] -- Implementing module '{self.top}' ")
        if fault in MESSAGES:
            message, code = MESSAGES[fault]
            for number, line in enumerate(message.splitlines()):
                self.say(line, sys.stderr if number % 2 else sys.stdout)
            return code
        if fault == "hang":
            # A helper in a session of its own, as xsim's is, must not survive either.
            subprocess.Popen(["sleep", "613"], start_new_session=True)
            subprocess.Popen(["sleep", "614"])
            time.sleep(615)
        if fault == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(615)
        if fault == "slow":
            time.sleep(1.0)
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if fault == "greedy":
            block = b"x" * (400 << 20)
            time.sleep(615)
            del block
        if fault == "flood":
            for _ in range(20000):
                print("INFO: [HLS 200-10] " + "x" * 90)
        getattr(self, stage)(fault)
        if fault == "hang-after":
            time.sleep(615)
        if fault == "exit-after":
            return 1
        return None

    def csynth(self, fault: str) -> None:
        if fault == "no-report":
            self.say("***** C/RTL SYNTHESIS COMPLETED IN 0h0m1s *****")
            return
        report = self.solution / "syn" / "report"
        report.mkdir(parents=True, exist_ok=True)
        (self.solution / "syn" / "verilog").mkdir(exist_ok=True)
        (self.solution / "syn" / "verilog" / f"{self.top}.v").write_text(f"// STAND-IN\nmodule {self.top}; endmodule\n")
        part = "xcvu9p-flga2104-2-i" if fault == "other-part" else self.part
        text = CSYNTH_XML.format(
            version=VERSION, part=part, top=self.top, clock=self.clock, lut=LUT, ff=FF, dsp=DSP, bram=BRAM
        )
        for name in ("csynth.xml", f"{self.top}_csynth.xml"):
            (report / name).write_text(text[: len(text) // 2] if fault == "truncated" else text)
        if fault == "slow-clock":
            self.say(
                "WARNING: [HLS 200-871] Estimated clock period (11.2ns) exceeds the target (target clock period: 10ns)."
            )
        self.say("***** C/RTL SYNTHESIS COMPLETED IN 0h0m1s *****")

    def cosim(self, fault: str) -> None:
        self.say("***** C/RTL SIMULATION *****\nINFO: [COSIM 212-302] Starting C TB testing ... ")
        if not list(self.solution.glob("syn/verilog/*.v")):
            self.say("ERROR: [COSIM 212-47] no RTL: run csynth_design first")
            sys.exit(1)
        # The STAND-IN simulates no RTL: it repeats what the test bench expects.
        lines = Path("tb_data/tb_output_predictions.dat").read_text().splitlines()
        if fault == "wrong":
            first, rest = lines[1].split(" ", 1)
            lines[1] = f"{float(first) + 0.5:g} {rest}"
        if fault == "cut-off":
            lines = lines[:-1]
        if fault != "no-outputs":
            Path("tb_data/rtl_cosim_results.log").write_text("".join(line + " \n" for line in lines))
        report = self.solution / "sim" / "report"
        report.mkdir(parents=True, exist_ok=True)
        status = "Fail" if fault == "fail" else "Pass"
        text = COSIM_RPT.format(status=status)
        (report / f"{self.top}_cosim.rpt").write_text(text[:400] if fault == "truncated" else text)
        self.say("***** C/RTL SIMULATION COMPLETED IN 0h0m2s *****")

    def export(self, fault: str) -> None:
        folder = self.solution / "impl"
        folder.mkdir(parents=True, exist_ok=True)
        if fault != "no-report":
            (folder / "export.zip").write_bytes(b"STAND-IN")
        self.say("***** EXPORT IP COMPLETED IN 0h0m1s *****")

    def vsynth(self, fault: str) -> None:
        self.say("Start RTL Component Statistics \nsynth_design completed successfully")
        if fault == "no-report":
            return
        text = UTILIZATION.format(
            version=VERSION, top=self.top, device=self.part.removeprefix("xc"), lut=LUT, ff=FF, dsp=DSP, bram=BRAM / 2
        )
        Path("vivado_synth.rpt").write_text(text[: len(text) // 3] if fault == "truncated" else text)


CSYNTH_XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<profile>
    <ReportVersion><Version>{version}</Version></ReportVersion>
    <UserAssignments>
        <unit>ns</unit>
        <ProductFamily>zynq</ProductFamily>
        <Part>{part}</Part>
        <TopModelName>{top}</TopModelName>
        <TargetClockPeriod>{clock:.2f}</TargetClockPeriod>
        <ClockUncertainty>1.25</ClockUncertainty>
        <FlowTarget>vivado</FlowTarget>
    </UserAssignments>
    <PerformanceEstimates>
        <PipelineType>yes</PipelineType>
        <SummaryOfTimingAnalysis>
            <unit>ns</unit>
            <EstimatedClockPeriod>7.654</EstimatedClockPeriod>
        </SummaryOfTimingAnalysis>
        <SummaryOfOverallLatency>
            <unit>clock cycles</unit>
            <Best-caseLatency>21</Best-caseLatency>
            <Average-caseLatency>21</Average-caseLatency>
            <Worst-caseLatency>21</Worst-caseLatency>
            <Best-caseRealTimeLatency>0.210 us</Best-caseRealTimeLatency>
            <Average-caseRealTimeLatency>0.210 us</Average-caseRealTimeLatency>
            <Worst-caseRealTimeLatency>0.210 us</Worst-caseRealTimeLatency>
            <PipelineInitiationInterval>1</PipelineInitiationInterval>
            <PipelineDepth>22</PipelineDepth>
            <Interval-min>1</Interval-min>
            <Interval-max>1</Interval-max>
        </SummaryOfOverallLatency>
    </PerformanceEstimates>
    <AreaEstimates>
        <Resources>
            <BRAM_18K>{bram}</BRAM_18K>
            <DSP>{dsp}</DSP>
            <FF>{ff}</FF>
            <LUT>{lut}</LUT>
            <URAM>0</URAM>
        </Resources>
        <AvailableResources>
            <BRAM_18K>280</BRAM_18K>
            <DSP>220</DSP>
            <FF>106400</FF>
            <LUT>53200</LUT>
            <URAM>0</URAM>
        </AvailableResources>
    </AreaEstimates>
    <!-- STAND-IN: invented numbers -->
</profile>
"""

COSIM_RPT = """\
Report time       : Thu 01 Jan 2099 01:02:03 AM CET.
Solution          : solution1.
Simulation tool   : xsim (STAND-IN).

+----------+----------+-----------------------------------------------+-----------------------------------------------+----------------------+
|          |          |             Latency(Clock Cycles)             |              Interval(Clock Cycles)           | Total Execution Time |
+   RTL    +  Status  +-----------------------------------------------+-----------------------------------------------+    (Clock Cycles)    +
|          |          |      min      |      avg      |      max      |      min      |      avg      |      max      |                      |
+----------+----------+-----------------------------------------------+-----------------------------------------------+----------------------+
|      VHDL|        NA|             NA|             NA|             NA|             NA|             NA|             NA|                    NA|
|   Verilog|      {status}|             21|             21|             21|              1|              1|              1|                    37|
+----------+----------+-----------------------------------------------+-----------------------------------------------+----------------------+
"""  # noqa: E501

UTILIZATION = """\
Copyright 1986-2099 STAND-IN, no report of AMD's
--------------------------------------------------------------------------------------
| Tool Version : Vivado v.{version} (lin64) Build 1 STAND-IN
| Date         : Thu Jan  1 01:02:03 2099
| Host         : stand-in
| Command      : report_utilization -file vivado_synth.rpt
| Design       : {top}
| Device       : {device}
| Design State : Synthesized
--------------------------------------------------------------------------------------

Utilization Design Information

Table of Contents
-----------------
1. Slice Logic
2. Memory
3. DSP

1. Slice Logic
--------------

+-------------------------+------+-------+-----------+-------+
|        Site Type        | Used | Fixed | Available | Util% |
+-------------------------+------+-------+-----------+-------+
| Slice LUTs              | {lut} |     0 |     53200 |  2.32 |
|   LUT as Logic          | {lut} |     0 |     53200 |  2.32 |
| Slice Registers         |  {ff} |     0 |    106400 |  0.53 |
+-------------------------+------+-------+-----------+-------+


2. Memory
---------

+----------------+------+-------+-----------+-------+
|    Site Type   | Used | Fixed | Available | Util% |
+----------------+------+-------+-----------+-------+
| Block RAM Tile |  {bram} |     0 |       140 |  3.21 |
|   RAMB36/FIFO* |    4 |     0 |       140 |  2.86 |
|   RAMB18       |    1 |     0 |       280 |  0.36 |
+----------------+------+-------+-----------+-------+


3. DSP
------

+-----------+------+-------+-----------+-------+
| Site Type | Used | Fixed | Available | Util% |
+-----------+------+-------+-----------+-------+
| DSPs      |    {dsp} |     0 |       220 |  3.64 |
+-----------+------+-------+-----------+-------+


"""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
