using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Plant.Pages;

public class IndexModel : PageModel
{
    public void OnGet()
    {

    }
}
