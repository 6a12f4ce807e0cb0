namespace MtaTls.Dashboard.Assets;

/// <summary>A file of the page.</summary>
/// <param name="Path">Its path below the page.</param>
/// <param name="ContentType">Its media type.</param>
/// <param name="Content">Its bytes.</param>
/// <param name="ETag">The entity tag, which changes with the bytes.</param>
internal sealed record Asset(string Path, string ContentType, ReadOnlyMemory<byte> Content, string ETag);
