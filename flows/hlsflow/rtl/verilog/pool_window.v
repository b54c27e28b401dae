// The maximum or the sum of a window, channel by channel: a tree with a register at each level. All levels move at
// once, when the result has been taken or there is none.
module pool_window #(
    parameter COUNT = 4,       // values of a window, each channel
    parameter CHANNELS = 1,
    parameter WIDTH = 8,       // of a value
    parameter SIGNED = 0,
    parameter SUM = 0,         // else the maximum
    parameter OUT_WIDTH = 8
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire [COUNT*CHANNELS*WIDTH-1:0] in_data,   // the channels of a pixel side by side
    input  wire                            in_valid,
    output wire                            in_ready,
    output wire [CHANNELS*OUT_WIDTH-1:0]   out_data,
    output wire                            out_valid,
    input  wire                            out_ready
);
    localparam LEVELS = $clog2(COUNT) > 0 ? $clog2(COUNT) : 1;
    localparam LEAVES = 1 << LEVELS;

    reg [LEVELS-1:0] valid;
    wire [LEVELS:0] shifted = {valid, in_valid};
    wire advance = !valid[LEVELS-1] || out_ready;
    assign in_ready = advance;
    assign out_valid = valid[LEVELS-1];
    always @(posedge clk) begin
        if (rst) valid <= {LEVELS{1'b0}};
        else if (advance) valid <= shifted[LEVELS-1:0];
    end

    genvar c, i;
    generate
        for (c = 0; c < CHANNELS; c = c + 1) begin : channel
            // Node 1 is the root, nodes 2n and 2n+1 are the children of n, the values are the nodes from LEAVES on.
            wire [2*LEAVES*OUT_WIDTH-1:0] node;
            assign node[OUT_WIDTH-1:0] = {OUT_WIDTH{1'b0}};
            assign out_data[c*OUT_WIDTH +: OUT_WIDTH] = node[OUT_WIDTH +: OUT_WIDTH];
            for (i = 0; i < LEAVES; i = i + 1) begin : leaf
                // The maximum of a value and itself is that value: so the last one fills up the leaves.
                localparam TAKEN = i < COUNT ? i : COUNT - 1;
                if (SUM && i >= COUNT) begin : unused
                    assign node[(LEAVES+i)*OUT_WIDTH +: OUT_WIDTH] = {OUT_WIDTH{1'b0}};
                end else begin : used
                    wire [WIDTH-1:0] value = in_data[(TAKEN*CHANNELS+c)*WIDTH +: WIDTH];
                    wire [OUT_WIDTH+WIDTH-1:0] wide = {{OUT_WIDTH{SIGNED ? value[WIDTH-1] : 1'b0}}, value};
                    assign node[(LEAVES+i)*OUT_WIDTH +: OUT_WIDTH] = wide[OUT_WIDTH-1:0];
                end
            end
            for (i = 1; i < LEAVES; i = i + 1) begin : tree
                wire [OUT_WIDTH-1:0] a = node[2*i*OUT_WIDTH +: OUT_WIDTH];
                wire [OUT_WIDTH-1:0] b = node[(2*i+1)*OUT_WIDTH +: OUT_WIDTH];
                wire less = SIGNED ? $signed(a) < $signed(b) : a < b;
                reg [OUT_WIDTH-1:0] pair;
                always @(posedge clk) if (advance) pair <= SUM ? a + b : less ? b : a;
                assign node[i*OUT_WIDTH +: OUT_WIDTH] = pair;
            end
        end
    endgenerate
endmodule
