using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;

namespace MtaTls.Dashboard.Security;

/// <summary>Decides whether a user may act: <see cref="MtaTlsDashboardOptions.ActionsPolicy"/> must succeed. Without a policy there are no actions.</summary>
internal sealed class ActionGate(IOptions<MtaTlsDashboardOptions> options, IAuthorizationPolicyProvider policies, IPolicyEvaluator evaluator)
{
    /// <returns>200, or the status code to answer with: 404 (there are no actions), 401 or 403.</returns>
    /// <exception cref="InvalidOperationException">The policy does not exist.</exception>
    public async Task<int> DecideAsync(HttpContext context)
    {
        if (options.Value.ActionsPolicy is not { Length: > 0 } name)
        {
            return StatusCodes.Status404NotFound;
        }

        AuthorizationPolicy policy = await policies.GetPolicyAsync(name)
            ?? throw new InvalidOperationException($"Authorization policy '{name}' was not found ({MtaTlsDashboardOptions.SectionName}:{nameof(MtaTlsDashboardOptions.ActionsPolicy)}). Add it with builder.Services.AddAuthorizationBuilder().AddPolicy(...).");
        PolicyAuthorizationResult result = await evaluator.AuthorizeAsync(policy, await evaluator.AuthenticateAsync(policy, context), context, context);
        return result switch
        {
            { Succeeded: true } => StatusCodes.Status200OK,
            { Challenged: true } => StatusCodes.Status401Unauthorized,
            _ => StatusCodes.Status403Forbidden,
        };
    }
}
