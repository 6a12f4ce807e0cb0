namespace MtaTls.ReverseProxy.Redis.Directory;

/// <summary>How this node stands in Redis.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Epoch">Its epoch; 0: none yet.</param>
/// <param name="Age">Time since the lease was renewed.</param>
/// <param name="IsReached">Whether Redis answered the last time, and the lease was not lost meanwhile.</param>
/// <param name="IsNameTaken">Whether another node has the name.</param>
internal readonly record struct LeaseState(string Node, long Epoch, TimeSpan Age, bool IsReached, bool IsNameTaken);
