// Runs the frames of testbench_inputs.mem through @@{top} and compares every beat with testbench_expected.mem.
//
//   iverilog -g2005 -o testbench testbench.v @@{sources} && vvp testbench
//
// Offers and takes beats at random, the same at every run. Ends with a line PASS or FAIL.
`timescale 1ns / 1ps
module testbench;
    localparam FRAMES = @@{frames};
    localparam IN_BEATS = @@{in_beats};
    localparam OUT_BEATS = @@{out_beats};
    localparam PATIENCE = 4000000; // cycles

    reg aclk = 1'b0;
    reg aresetn = 1'b0;
    always #(@@{half_period_ns}) aclk = !aclk;

    reg [@@{in_bits}-1:0] inputs [0:FRAMES*IN_BEATS-1];
    reg [@@{out_bits}-1:0] expected [0:FRAMES*OUT_BEATS-1];

    reg s_axis_tvalid = 1'b0;
    wire s_axis_tready;
    reg [31:0] sent = 0;
    wire [@@{in_bits}-1:0] s_axis_tdata = inputs[sent];
    wire s_axis_tlast = (sent % IN_BEATS == IN_BEATS - 1);
    wire [31:0] next = sent + (s_axis_tvalid && s_axis_tready);

    wire [@@{out_bits}-1:0] m_axis_tdata;
    wire m_axis_tvalid, m_axis_tlast;
    reg m_axis_tready = 1'b0;
    reg [31:0] got = 0;

    wire frame_error;
    integer errors = 0;
    integer cycle = 0;
    integer seed = 1;

    @@{top} dut (
        .aclk(aclk), .aresetn(aresetn),
        .s_axis_tdata(s_axis_tdata), .s_axis_tvalid(s_axis_tvalid), .s_axis_tready(s_axis_tready),
        .s_axis_tlast(s_axis_tlast),
        .m_axis_tdata(m_axis_tdata), .m_axis_tvalid(m_axis_tvalid), .m_axis_tready(m_axis_tready),
        .m_axis_tlast(m_axis_tlast),
        .frame_error(frame_error)
    );

    initial begin
        $readmemh("testbench_inputs.mem", inputs);
        $readmemh("testbench_expected.mem", expected);
        repeat (4) @(posedge aclk);
        aresetn <= 1'b1;
    end

    always @(posedge aclk) begin
        cycle = cycle + 1;
        if (aresetn) begin
            sent <= next;
            // Once offered, a beat stays until it is taken.
            if (!s_axis_tvalid || s_axis_tready) s_axis_tvalid <= (next < FRAMES * IN_BEATS) && ($random(seed) & 7) != 0;
            m_axis_tready <= ($random(seed) & 3) != 0;
            if (m_axis_tvalid && m_axis_tready) begin
                if (m_axis_tdata !== expected[got]) begin
                    errors = errors + 1;
                    if (errors <= 10)
                        $display("frame %0d, beat %0d: %h instead of %h",
                                 got / OUT_BEATS, got % OUT_BEATS, m_axis_tdata, expected[got]);
                end
                if (m_axis_tlast !== (got % OUT_BEATS == OUT_BEATS - 1)) errors = errors + 1;
                got = got + 1;
            end
        end
        if (got == FRAMES * OUT_BEATS || cycle == PATIENCE) begin
            if (got == FRAMES * OUT_BEATS && errors == 0 && !frame_error)
                $display("PASS: %0d frames, %0d cycles", FRAMES, cycle);
            else
                $display("FAIL: %0d of %0d beats, %0d errors", got, FRAMES * OUT_BEATS, errors);
            $finish;
        end
    end
endmodule
