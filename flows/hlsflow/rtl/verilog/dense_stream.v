// A dense layer that uses its inputs as they come, P a cycle, for all outputs at once: n_in / P cycles a frame.
//
// The last inputs of a frame are taken only while the outlet has room for its sums: nothing in the pipeline ever stalls.
module dense_stream #(
    parameter BEATS = 1,       // cycles of input a frame
    parameter P = 1,           // inputs a cycle
    parameter Q = 1,           // outputs
    parameter P_OUT = 1,       // outputs a cycle
    parameter X_WIDTH = 8,
    parameter X_SIGNED = 0,
    parameter W_WIDTH = 8,
    parameter SHIFT = 0,
    parameter ACC_WIDTH = 21,
    parameter QUEUE_BITS = 0,
    parameter WEIGHTS = "",
    parameter BIASES = ""
) (
    input  wire                       clk,
    input  wire                       rst,
    input  wire [P*X_WIDTH-1:0]       in_data,
    input  wire                       in_valid,
    output wire                       in_ready,
    output wire [P_OUT*ACC_WIDTH-1:0] sum_data,
    output wire                       sum_valid,
    input  wire                       sum_ready
);
    localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;
    localparam X_BITS = X_SIGNED ? X_WIDTH : X_WIDTH + 1;

    reg [BEAT_BITS-1:0] beat;
    wire room;
    wire last = (beat == BEATS - 1);
    assign in_ready = !last || room;
    wire take = in_valid && in_ready;

    reg step_valid;
    reg step_last;
    reg [P*X_WIDTH-1:0] x;
    wire [P*X_BITS-1:0] x_signed;
    wire [P*Q*W_WIDTH-1:0] w;

    always @(posedge clk) begin
        if (take) x <= in_data;
        step_last <= last;
        if (rst) begin
            beat <= {BEAT_BITS{1'b0}};
            step_valid <= 1'b0;
        end else begin
            step_valid <= take;
            if (take) beat <= last ? {BEAT_BITS{1'b0}} : beat + 1'b1;
        end
    end

    row_rom #(.WIDTH(P*Q*W_WIDTH), .DEPTH(BEATS), .ADDRESS_WIDTH(BEAT_BITS), .ROWS(WEIGHTS)) weights (
        .clk(clk), .enable(take), .address(beat), .row(w)
    );

    genvar p;
    generate
        for (p = 0; p < P; p = p + 1) begin : input_lane
            if (X_SIGNED) assign x_signed[p*X_BITS +: X_BITS] = x[p*X_WIDTH +: X_WIDTH];
            else assign x_signed[p*X_BITS +: X_BITS] = {1'b0, x[p*X_WIDTH +: X_WIDTH]};
        end
    endgenerate

    wire sums_valid;
    wire sums_final;
    wire [Q*ACC_WIDTH-1:0] sums;
    mac_array #(
        .P(P), .Q(Q), .GROUPS(1), .X_WIDTH(X_BITS), .W_WIDTH(W_WIDTH), .SHIFT(SHIFT), .ACC_WIDTH(ACC_WIDTH),
        .BIASES(BIASES)
    ) macs (
        .clk(clk), .rst(rst), .step_valid(step_valid), .step_last(step_last), .x(x_signed), .w(w),
        .sums_valid(sums_valid), .sums_final(sums_final), .sums(sums)
    );
    outlet #(.Q(Q), .P_OUT(P_OUT), .Q_FINAL(Q), .WIDTH(ACC_WIDTH), .QUEUE_BITS(QUEUE_BITS)) outputs (
        .clk(clk), .rst(rst), .room(room), .reserve(take && last),
        .load(sums_valid), .load_final(sums_final), .values(sums),
        .out_data(sum_data), .out_valid(sum_valid), .out_ready(sum_ready)
    );
endmodule
