// The windows of an image whose pixels come row by row: line buffers, then a register for every value of a window.
//
// The scan goes over the padded image, one pixel a cycle: one of the input where there is one, PAD elsewhere. A window
// is given where its last pixel stands on the grid of the strides. Rows and columns behind the last window are taken
// and dropped, so every frame begins anew.
module window #(
    parameter WIDTH = 8,       // bits of a pixel, all channels
    parameter IN_HEIGHT = 4,
    parameter IN_WIDTH = 4,
    parameter HEIGHT = 3,      // of a window
    parameter COLUMNS = 3,
    parameter STRIDE_ROWS = 1,
    parameter STRIDE_COLUMNS = 1,
    parameter PAD_TOP = 0,
    parameter PAD_LEFT = 0,
    parameter ROWS_SCANNED = 4,    // of the padded image; at least two columns
    parameter COLUMNS_SCANNED = 4,
    parameter LAST_ROW = 3,        // where the last window of the image ends
    parameter LAST_COLUMN = 3,
    parameter [WIDTH-1:0] PAD = 0
) (
    input  wire                            clk,
    input  wire                            rst,
    input  wire [WIDTH-1:0]                in_data,
    input  wire                            in_valid,
    output wire                            in_ready,
    output wire [HEIGHT*COLUMNS*WIDTH-1:0] out_data,  // row by row, the first pixel in the lowest bits
    output reg                             out_valid,
    input  wire                            out_ready
);
    localparam ROW_BITS = $clog2(ROWS_SCANNED + 1);
    localparam COLUMN_BITS = $clog2(COLUMNS_SCANNED + 1);
    localparam ROW_GAP_BITS = $clog2(HEIGHT > STRIDE_ROWS ? HEIGHT + 1 : STRIDE_ROWS + 1);
    localparam COLUMN_GAP_BITS = $clog2(COLUMNS > STRIDE_COLUMNS ? COLUMNS + 1 : STRIDE_COLUMNS + 1);

    // Where the scan is, and how many rows and columns until a window ends.
    reg [ROW_BITS-1:0] row;
    reg [COLUMN_BITS-1:0] column;
    reg [ROW_GAP_BITS-1:0] row_gap;
    reg [COLUMN_GAP_BITS-1:0] column_gap;
    wire row_end = (column == COLUMNS_SCANNED - 1);
    wire frame_end = row_end && (row == ROWS_SCANNED - 1);
    wire in_rows, in_columns;
    generate
        if (PAD_TOP == 0) assign in_rows = (row < IN_HEIGHT);
        else assign in_rows = (row >= PAD_TOP) && (row < PAD_TOP + IN_HEIGHT);
        if (PAD_LEFT == 0) assign in_columns = (column < IN_WIDTH);
        else assign in_columns = (column >= PAD_LEFT) && (column < PAD_LEFT + IN_WIDTH);
    endgenerate
    wire in_image = in_rows && in_columns;
    wire ends = (row_gap == 0) && (column_gap == 0) && (row <= LAST_ROW) && (column <= LAST_COLUMN);

    // Stage 1: the pixel, with the pixels above it from the line buffers.
    reg pixel_valid;
    reg pixel_ends;
    reg [WIDTH-1:0] pixel;
    reg [COLUMN_BITS-1:0] pixel_column;
    wire shift = pixel_valid && (!out_valid || out_ready);
    wire free = !pixel_valid || shift;
    wire move = free && (in_valid || !in_image);
    assign in_ready = free && in_image;

    always @(posedge clk) begin
        if (move) begin
            pixel <= in_image ? in_data : PAD;
            pixel_column <= column;
            pixel_ends <= ends;
        end
        if (rst) begin
            row <= 0;
            column <= 0;
            row_gap <= HEIGHT - 1;
            column_gap <= COLUMNS - 1;
            pixel_valid <= 1'b0;
            out_valid <= 1'b0;
        end else begin
            if (free) pixel_valid <= move;
            if (!out_valid || out_ready) out_valid <= pixel_valid && pixel_ends;
            if (move) begin
                column <= row_end ? 0 : column + 1'b1;
                column_gap <= row_end ? COLUMNS - 1 : (column_gap == 0) ? STRIDE_COLUMNS - 1 : column_gap - 1'b1;
                if (row_end) begin
                    row <= frame_end ? 0 : row + 1'b1;
                    row_gap <= frame_end ? HEIGHT - 1 : (row_gap == 0) ? STRIDE_ROWS - 1 : row_gap - 1'b1;
                end
            end
        end
    end

    // The pixels of this column, the uppermost in the lowest bits.
    wire [HEIGHT*WIDTH-1:0] above;
    generate
        if (HEIGHT > 1) begin : lines
            localparam LINES_WIDTH = (HEIGHT - 1) * WIDTH;
            reg [LINES_WIDTH-1:0] memory [0:COLUMNS_SCANNED-1];
            reg [LINES_WIDTH-1:0] old;
            assign above = {pixel, old};
            // The column that is written is the one before the column that is read.
            always @(posedge clk) begin
                if (move) old <= memory[column];
                if (shift) memory[pixel_column] <= above[HEIGHT*WIDTH-1:WIDTH];
            end
        end else begin : line
            assign above = pixel;
        end
    endgenerate

    // Stage 2: the window; a column goes in on the right.
    genvar i;
    generate
        for (i = 0; i < HEIGHT; i = i + 1) begin : window_row
            reg [COLUMNS*WIDTH-1:0] values;
            assign out_data[i*COLUMNS*WIDTH +: COLUMNS*WIDTH] = values;
            if (COLUMNS > 1) begin : wide
                always @(posedge clk)
                    if (shift) values <= {above[i*WIDTH +: WIDTH], values[COLUMNS*WIDTH-1:WIDTH]};
            end else begin : narrow
                always @(posedge clk) if (shift) values <= above[i*WIDTH +: WIDTH];
            end
        end
    endgenerate
endmodule
