// A product of two signed numbers a cycle later: of a DSP block, or of the LUTs of an adder for each bit of the weight.
module multiply #(
    parameter X_WIDTH = 9,
    parameter W_WIDTH = 8,
    parameter USE_DSP = 1
) (
    input  wire                              clk,
    input  wire signed [X_WIDTH-1:0]         x,
    input  wire signed [W_WIDTH-1:0]         w,
    output reg  signed [X_WIDTH+W_WIDTH-1:0] product
);
    generate
        if (USE_DSP) begin : block
            always @(posedge clk) product <= x * w;
        end else begin : luts
            // The sign bit of a weight in two's complement counts negatively.
            wire signed [X_WIDTH+W_WIDTH-1:0] wide = x;
            wire [(W_WIDTH+1)*(X_WIDTH+W_WIDTH)-1:0] partial;
            assign partial[X_WIDTH+W_WIDTH-1:0] =
                w[W_WIDTH-1] ? -(wide <<< (W_WIDTH-1)) : {(X_WIDTH+W_WIDTH){1'b0}};
            genvar i;
            for (i = 0; i < W_WIDTH - 1; i = i + 1) begin : digit
                assign partial[(i+1)*(X_WIDTH+W_WIDTH) +: X_WIDTH+W_WIDTH] =
                    partial[i*(X_WIDTH+W_WIDTH) +: X_WIDTH+W_WIDTH]
                    + (w[i] ? wide <<< i : {(X_WIDTH+W_WIDTH){1'b0}});
            end
            always @(posedge clk) product <= partial[(W_WIDTH-1)*(X_WIDTH+W_WIDTH) +: X_WIDTH+W_WIDTH];
        end
    endgenerate
endmodule
