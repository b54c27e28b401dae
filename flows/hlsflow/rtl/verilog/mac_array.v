// Q sums side by side, all of the same P inputs; P*Q multipliers. One step a cycle.
module mac_array #(
    parameter P = 1,
    parameter Q = 1,
    parameter GROUPS = 1,      // groups of Q outputs that follow one another in a frame
    parameter X_WIDTH = 9,
    parameter W_WIDTH = 8,
    parameter SHIFT = 0,
    parameter ACC_WIDTH = 21,
    parameter BIASES = ""      // file with a row of Q biases for each group
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire                     step_valid,
    input  wire                     step_last,  // the last step of a group's sums
    input  wire [P*X_WIDTH-1:0]     x,
    input  wire [P*Q*W_WIDTH-1:0]   w,          // weight of output q and input p at index q*P + p
    output reg                      sums_valid, // for one cycle
    output reg                      sums_final, // … and they are the frame's last group
    output wire [Q*ACC_WIDTH-1:0]   sums
);
    // Operands, products, the levels of the tree.
    localparam STAGES = 2 + $clog2(P);
    localparam GROUP_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;

    reg [STAGES-1:0] valid;
    reg [STAGES-1:0] last;
    reg first;
    reg [GROUP_BITS-1:0] group;
    wire accumulate = valid[STAGES-1];
    wire done = accumulate && last[STAGES-1];

    always @(posedge clk) begin
        last <= {last[STAGES-2:0], step_last};
        if (rst) begin
            valid <= {STAGES{1'b0}};
            sums_valid <= 1'b0;
            sums_final <= 1'b0;
            first <= 1'b1;
            group <= {GROUP_BITS{1'b0}};
        end else begin
            valid <= {valid[STAGES-2:0], step_valid};
            sums_valid <= done;
            sums_final <= (group == GROUPS - 1);
            if (accumulate) first <= last[STAGES-1];
            if (done) group <= (group == GROUPS - 1) ? {GROUP_BITS{1'b0}} : group + 1'b1;
        end
    end

    reg [Q*ACC_WIDTH-1:0] biases [0:GROUPS-1];
    initial $readmemh(BIASES, biases);
    wire [Q*ACC_WIDTH-1:0] bias = biases[group];

    genvar q;
    generate
        for (q = 0; q < Q; q = q + 1) begin : lane
            mac_lane #(
                .P(P), .X_WIDTH(X_WIDTH), .W_WIDTH(W_WIDTH), .SHIFT(SHIFT), .ACC_WIDTH(ACC_WIDTH)
            ) mac (
                .clk(clk),
                .x(x),
                .w(w[q*P*W_WIDTH +: P*W_WIDTH]),
                .accumulate(accumulate),
                .first(first),
                .bias(bias[q*ACC_WIDTH +: ACC_WIDTH]),
                .sum(sums[q*ACC_WIDTH +: ACC_WIDTH])
            );
        end
    endgenerate
endmodule
