namespace MtaTls.Dashboard.Inspector;

/// <summary>A body as it was recorded.</summary>
/// <param name="Length">All its bytes.</param>
/// <param name="IsCut">Whether only the first bytes are kept.</param>
/// <param name="Text">What is kept, where it is UTF-8; else null.</param>
/// <param name="Hexadecimal">The first bytes of what is kept, where it is not.</param>
internal sealed record RecordedBody(long Length, bool IsCut, string? Text, string? Hexadecimal);
