// Up to three lanes of `dense_sparse` and the window that they read: a multiplier and a ring of sums each.
//
// A row is {go on to the next output, place of the input, weight}. The sum that a lane is at is in `sum`, the next
// one's in the last place of the ring. `opening`: the next row begins an output's sum; what the frame before made of it
// goes to `held`. Two openings are at least two rows apart, and no row before one goes on to another output.
module sparse_lanes #(
    parameter COUNT = 3,
    parameter SLOTS = 2,
    parameter WINDOW = 64,
    parameter PLACE_BITS = 6,
    parameter X_WIDTH = 8,
    parameter X_SIGNED = 0,
    parameter W_WIDTH = 8,
    parameter SUM_WIDTH = 21,
    parameter USE_DSP = 1
) (
    input  wire                                      clk,
    input  wire                                      write,
    input  wire [PLACE_BITS-1:0]                     place,
    input  wire [X_WIDTH-1:0]                        x,
    input  wire [COUNT*(1+PLACE_BITS+W_WIDTH)-1:0]   rows,
    input  wire                                      opening,
    output wire [COUNT*SUM_WIDTH-1:0]                held
);
    localparam ROW = 1 + PLACE_BITS + W_WIDTH;
    localparam X_BITS = X_SIGNED ? X_WIDTH : X_WIDTH + 1;

    (* ram_style = "distributed" *) reg [X_WIDTH-1:0] window [0:(1<<PLACE_BITS)-1];
    always @(posedge clk) if (write) window[place] <= x;

    genvar i, s;
    generate
        for (i = 0; i < COUNT; i = i + 1) begin : lane
            reg [X_WIDTH-1:0] operand;
            reg [W_WIDTH-1:0] weight;
            reg next_row, next;
            always @(posedge clk) begin
                operand <= window[rows[i*ROW + W_WIDTH +: PLACE_BITS]];
                weight <= rows[i*ROW +: W_WIDTH];
                next_row <= rows[i*ROW + ROW - 1];
                next <= next_row;
            end

            wire [X_BITS-1:0] x_signed;
            if (X_SIGNED) assign x_signed = operand;
            else assign x_signed = {1'b0, operand};
            wire signed [X_BITS+W_WIDTH-1:0] product;
            multiply #(.X_WIDTH(X_BITS), .W_WIDTH(W_WIDTH), .USE_DSP(USE_DSP)) times (
                .clk(clk), .x(x_signed), .w(weight), .product(product)
            );

            wire signed [SUM_WIDTH+X_BITS+W_WIDTH-1:0] wide = product;
            reg [SUM_WIDTH-1:0] sum;
            reg [SUM_WIDTH-1:0] out;
            assign held[i*SUM_WIDTH +: SUM_WIDTH] = out;
            if (SLOTS == 1) begin : alone
                always @(posedge clk) begin
                    sum <= (next ? {SUM_WIDTH{1'b0}} : sum) + wide[SUM_WIDTH-1:0];
                    if (opening) out <= sum;
                end
            end else begin : ring
                wire [(SLOTS-1)*SUM_WIDTH-1:0] places;
                wire [SUM_WIDTH-1:0] following = places[(SLOTS-2)*SUM_WIDTH +: SUM_WIDTH];
                always @(posedge clk) begin
                    sum <= (next ? following : sum) + wide[SUM_WIDTH-1:0];
                    if (opening) out <= following;
                end
                for (s = 0; s < SLOTS - 1; s = s + 1) begin : turn
                    (* keep, shreg_extract = "no" *) reg [SUM_WIDTH-1:0] kept;
                    assign places[s*SUM_WIDTH +: SUM_WIDTH] = kept;
                    wire [SUM_WIDTH-1:0] preceding;
                    if (s == 0) assign preceding = sum;
                    else assign preceding = places[(s-1)*SUM_WIDTH +: SUM_WIDTH];
                    if (s == SLOTS - 2) begin : last
                        always @(posedge clk) begin
                            if (opening) kept <= {SUM_WIDTH{1'b0}};
                            else if (next) kept <= preceding;
                        end
                    end else begin : inner
                        always @(posedge clk) if (next) kept <= preceding;
                    end
                end
            end
        end
    endgenerate
endmodule
