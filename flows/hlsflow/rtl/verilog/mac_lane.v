// One output's sum of products: P multipliers, a registered adder tree, an accumulator.
//
// Stages: operands, products, one for each level of the tree, the accumulator. The first two registers and the
// accumulator are those of a DSP block. Nothing here is reset: `accumulate` says which products count.
module mac_lane #(
    parameter P = 1,           // multipliers
    parameter X_WIDTH = 9,     // signed operand from the layer's input
    parameter W_WIDTH = 8,     // signed weight
    parameter SHIFT = 0,       // left shift from the products' grid to the accumulator's
    parameter ACC_WIDTH = 21
) (
    input  wire                   clk,
    input  wire [P*X_WIDTH-1:0]   x,
    input  wire [P*W_WIDTH-1:0]   w,
    input  wire                   accumulate, // the tree's root holds products of this step
    input  wire                   first,      // … the first step of a sum: start from the bias
    input  wire [ACC_WIDTH-1:0]   bias,
    output reg  [ACC_WIDTH-1:0]   sum
);
    localparam LEVELS = $clog2(P);
    localparam LEAVES = 1 << LEVELS;
    localparam WIDTH = X_WIDTH + W_WIDTH + LEVELS;

    // Node 1 is the root, nodes 2n and 2n+1 are the children of n, the products are the nodes from LEAVES on.
    wire [2*LEAVES*WIDTH-1:0] node;
    assign node[WIDTH-1:0] = {WIDTH{1'b0}};

    genvar i;
    generate
        for (i = 0; i < LEAVES; i = i + 1) begin : leaf
            if (i < P) begin : used
                reg signed [X_WIDTH-1:0] operand;
                reg signed [W_WIDTH-1:0] weight;
                reg signed [X_WIDTH+W_WIDTH-1:0] product;
                always @(posedge clk) begin
                    operand <= x[i*X_WIDTH +: X_WIDTH];
                    weight <= w[i*W_WIDTH +: W_WIDTH];
                    product <= operand * weight;
                end
                assign node[(LEAVES+i)*WIDTH +: WIDTH] = {{LEVELS{product[X_WIDTH+W_WIDTH-1]}}, product};
            end else begin : unused
                assign node[(LEAVES+i)*WIDTH +: WIDTH] = {WIDTH{1'b0}};
            end
        end
        for (i = 1; i < LEAVES; i = i + 1) begin : tree
            reg [WIDTH-1:0] pair;
            always @(posedge clk) pair <= node[2*i*WIDTH +: WIDTH] + node[(2*i+1)*WIDTH +: WIDTH];
            assign node[i*WIDTH +: WIDTH] = pair;
        end
    endgenerate

    // Sums wrap at ACC_WIDTH bits, as the accumulator of the HLS project does.
    wire signed [WIDTH+SHIFT-1:0] root = {node[WIDTH +: WIDTH], {SHIFT{1'b0}}};
    wire [ACC_WIDTH+WIDTH+SHIFT-1:0] wide = {{ACC_WIDTH{root[WIDTH+SHIFT-1]}}, root};
    always @(posedge clk) if (accumulate) sum <= (first ? bias : sum) + wide[ACC_WIDTH-1:0];
endmodule
